"""Just enough SVG for the pictures: shapes, text and axes, readable on light and on dark pages.

Colours are classes, and each class has a second colour for readers whose system is set to dark. A
picture paints its own background, so that both always change together.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

#: Classes of colour: on a light page, on a dark one.
COLOURS = {
    "ink": ("#1f2328", "#e6edf3"),
    "soft": ("#59636e", "#9198a1"),
    "grid": ("#d8dee4", "#30363d"),
    "paper": ("#ffffff", "#0d1117"),
    "own": ("#0757ba", "#58a6ff"),
    "fixed": ("#57606a", "#a5adb6"),
    "orange": ("#a84300", "#f0883e"),
    "green": ("#116329", "#4ac26b"),
    "purple": ("#7a34c9", "#bc8cff"),
    "pink": ("#b0246f", "#f778ba"),
    "brown": ("#6b5900", "#d4b33b"),
    "bad": ("#b3141f", "#ff7b72"),
}
#: Height of a line of text, and the mean width of a character, as shares of the font's size.
_LINE, _CHARACTER = 1.25, 0.56
SIZE = 13


def _style() -> str:
    def rules(which: int) -> str:
        halo = f"text{{stroke:{COLOURS['paper'][which]}}}"
        return halo + "".join(
            f".{name}{{fill:{pair[which]};color:{pair[which]}}}" for name, pair in COLOURS.items()
        )

    return (
        f"text{{font:{SIZE}px system-ui,-apple-system,'Segoe UI',sans-serif;"
        # A rim of the paper's colour, so that a line behind a letter does not hide it.
        "paint-order:stroke;stroke-width:4px;stroke-linejoin:round}"
        ".bold{font-weight:600}.line{fill:none;stroke:currentColor}"
        f"{rules(0)}.line{{fill:none}}"
        f"@media(prefers-color-scheme:dark){{{rules(1)}.line{{fill:none}}}}"
    )


@dataclass
class Drawing:
    """A picture: what is in it, and what it says to those who cannot see it."""

    width: int
    height: int
    title: str
    description: str
    _parts: list[str] = field(default_factory=list)

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        colour: str,
        *,
        width: float = 1,
        dash: str = "",
    ) -> None:
        """Draw a straight line."""
        self.path([(x1, y1), (x2, y2)], colour, width=width, dash=dash)

    def path(
        self, points: Iterable[tuple[float, float]], colour: str, *, width: float, dash: str = ""
    ) -> None:
        """Draw a line through points."""
        through = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<path class="line {colour}" d="M{through}" stroke-width="{width}"{dashes}/>'
        )

    def dot(self, x: float, y: float, radius: float, colour: str, *, hollow: bool = False) -> None:
        """Draw a disc, or a ring."""
        kind = f'line {colour}" stroke-width="1.5' if hollow else colour
        self._parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>')

    def bar(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Draw a filled rectangle."""
        self._parts.append(
            f'<rect class="{colour}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}"/>'
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        colour: str = "ink",
        *,
        anchor: str = "start",
        bold: bool = False,
        turn: bool = False,
    ) -> None:
        """Write a line of text, its base line at y; `turn` writes it upwards."""
        turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turn else ""
        weight = " bold" if bold else ""
        self._parts.append(
            f'<text class="{colour}{weight}" x="{x:.1f}" y="{y:.1f}" '
            f'text-anchor="{anchor}"{turned}>{escape(text)}</text>'
        )

    def render(self) -> str:
        """Return the SVG's text."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
            f'height="{self.height}" viewBox="0 0 {self.width} {self.height}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n<desc>{escape(self.description)}</desc>\n"
            f"<style>{_style()}</style>\n"
            f'<rect class="paper" width="{self.width}" height="{self.height}" rx="6"/>\n'
        )
        return head + "\n".join(self._parts) + "\n</svg>\n"


@dataclass(frozen=True)
class Scale:
    """Turns values into places along one direction."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        turn: Callable[[float], float] = math.log if self.logarithmic else float
        share = (turn(value) - turn(self.low)) / (turn(self.high) - turn(self.low))
        return self.start + share * (self.end - self.start)


def axes(
    drawing: Drawing,
    x: Scale,
    y: Scale,
    x_ticks: dict[float, str],
    y_ticks: dict[float, str],
    x_name: str,
    y_name: str,
) -> None:
    """Draw a grid with ticks; `y` runs from the bottom to the top."""
    for value, label in x_ticks.items():
        drawing.line(x(value), y.start, x(value), y.end, "grid")
        drawing.text(x(value), y.start + 18, label, "soft", anchor="middle")
    for value, label in y_ticks.items():
        drawing.line(x.start, y(value), x.end, y(value), "grid")
        drawing.text(x.start - 8, y(value) + 4.5, label, "soft", anchor="end")
    drawing.line(x.start, y.start, x.end, y.start, "soft")
    drawing.line(x.start, y.start, x.start, y.end, "soft")
    drawing.text((x.start + x.end) / 2, y.start + 40, x_name, "ink", anchor="middle")
    drawing.text(x.start - 48, (y.start + y.end) / 2, y_name, "ink", anchor="middle", turn=True)


def text_width(text: str) -> float:
    """Return about how wide a text is."""
    return len(text) * _CHARACTER * SIZE


def apart(wanted: Sequence[float], least: float = _LINE * SIZE) -> list[float]:
    """Move places on a line at least so far apart, and no further than that takes."""
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    groups: list[tuple[list[int], float]] = []  # members, and the place of their middle
    for at in order:
        groups.append(([at], wanted[at]))
        while len(groups) > 1:
            (before, upper), (after, lower) = groups[-2:]
            if lower - upper >= least * (len(before) + len(after)) / 2:
                break
            together = before + after
            middle = (upper * len(before) + lower * len(after)) / len(together)
            groups[-2:] = [(together, middle)]
    places = [0.0] * len(wanted)
    for members, middle in groups:
        for number, at in enumerate(members):
            places[at] = middle + (number - (len(members) - 1) / 2) * least
    return places


def beside(
    points: Sequence[tuple[float, float]], labels: Sequence[str], inside: tuple[float, float]
) -> list[tuple[float, float, str]]:
    """Find a place for each point's label that covers no point and no earlier label.

    Returns x, y and anchor of each. `inside` is the left and right edge of what may be used.
    """
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in points]
    found = []
    for (x, y), label in zip(points, labels, strict=True):
        width = text_width(label)
        tries = [
            (x + 9, y + 4.5, "start"),
            (x - 9, y + 4.5, "end"),
            (x + 6, y - 8, "start"),
            (x + 6, y + 18, "start"),
            (x - 6, y - 8, "end"),
            (x - 6, y + 18, "end"),
            (x, y - 12, "middle"),
            (x, y + 22, "middle"),
        ]
        left = {"start": 0.0, "end": width, "middle": width / 2}
        boxes = [
            (tx - left[anchor], ty - 11, tx - left[anchor] + width, ty + 3)
            for tx, ty, anchor in tries
        ]
        best = min(
            range(len(tries)),
            key=lambda at: (
                sum(_overlap(boxes[at], other) for other in taken if other[:2] != (x - 6, y - 6))
                + 1000 * (boxes[at][0] < inside[0] or boxes[at][2] > inside[1]),
                at,
            ),
        )
        taken.append(boxes[best])
        found.append(tries[best])
    return found


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)
