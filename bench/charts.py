"""The two charts of docs/performance.md, as SVG for light and dark mode."""

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from bench.policies import LOOP, OWN
from bench.simulation import LONGEST, RANGES, SHORTEST, in_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What matplotlib draws in, and the CSS variables that take its place.
_VARIABLES = {"#ffffff": "paper", "#000000": "ink", "#b0b0b0": "grid", "#0000ff": "own"}
_STYLE = """<style>
text { fill: var(--ink); font-family: system-ui, sans-serif !important }
use { fill: var(--ink) }
:root { --paper: #ffffff; --ink: #1f2328; --grid: #d1d9e0; --own: #0969da }
@media (prefers-color-scheme: dark) {
:root { --paper: #0d1117; --ink: #f0f6fc; --grid: #3d444d; --own: #4493f8 } }
</style>"""
# Where a label of the first chart starts, in points from its point. Others would hide each other.
_OFFSETS = {OWN: (8, 2), "gh run watch": (8, -14)}
# The lines of the second chart, and the range that has the label. More would hide each other.
_LINES = {OWN: ("-", 3), LOOP: ("-.", 0), "gh run watch": (":", 0), "Twilio's toolkit": ("--", 3)}


def describe(data: dict[str, Any]) -> dict[str, str]:
    """Return the text for each chart, by file name, that says what the chart shows."""
    policies = data["policies"]
    points = [
        f"{name} {policy['polls']:.0f}, {policy['mean_lag']:.1f} s"
        for name, policy in policies.items()
    ]
    lines = [f"{name} {', '.join(map('{:.2f}'.format, _lags(policies[name])))}" for name in _LINES]
    return {
        "trade-off.svg": f"Polls per build and mean lag: {'; '.join(points)}",
        "by-build-time.svg": f"Mean lag in s, shortest to longest builds: {'; '.join(lines)}",
    }


def draw(data: dict[str, Any], folder: Path) -> None:
    """Write the charts; the same data and versions make the same files."""
    import matplotlib as mpl  # noqa: PLC0415 (`make test` does without)
    from matplotlib.figure import Figure  # noqa: PLC0415 (as above)

    plots = dict(zip(describe(data).items(), (_trade_off, _by_build_time), strict=True))
    for (name, description), plot in plots.items():
        with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": OWN, "font.size": 11}):
            figure, svg = Figure(figsize=(8, 4.4), layout="constrained"), io.StringIO()
            axes = figure.subplots()
            plot(axes, data["policies"])
            axes.minorticks_off()
            axes.grid(visible=True)
            axes.spines[:].set_visible(False)
            figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        # Without the XML declaration and the DTD, which is on another host.
        text = svg.getvalue().partition("<svg")[2]
        for color, variable in _VARIABLES.items():
            text = text.replace(color, f"var(--{variable})")
        head, _, body = text.partition(">")
        title = f"<title>{escape(description)}</title>"
        (folder / name).write_text(f'<svg role="img"{head}>\n{title}\n{_STYLE}{body}', "utf-8")


def _trade_off(axes: "Axes", policies: dict[str, Any]) -> None:
    axes.set(xlabel="polls per build (fewer is better)", xscale="log", xlim=(6, 500))
    axes.set(ylabel="mean lag (less is better)", yscale="log", ylim=(0.3, 300))
    axes.set_xticks((10, 30, 100, 300), labels=("10", "30", "100", "300"))
    axes.set_yticks((1, 10, 100), labels=("1 s", "10 s", "100 s"))
    for name, policy in policies.items():
        point = (policy["polls"], policy["mean_lag"])
        axes.plot(*point, "o", color=_color(name), markersize=8)
        _label(axes, name, point, _OFFSETS.get(name, (8, -4)))


def _by_build_time(axes: "Axes", policies: dict[str, Any]) -> None:
    axes.set(xlabel="build time", xscale="log", xlim=(SHORTEST, LONGEST))
    axes.set(ylabel="mean lag (less is better)", ylim=(0, 3))
    bounds = [first for first, _ in RANGES] + [LONGEST]
    axes.set_xticks(bounds, labels=map(in_words, bounds))
    axes.set_yticks(range(4), labels=map(in_words, range(4)))
    middles = [math.sqrt(first * last) for first, last in RANGES]
    for name, (style, labeled) in _LINES.items():
        lags = _lags(policies[name])
        axes.plot(middles, lags, style, color=_color(name), linewidth=2, marker="o", markersize=5)
        _label(axes, name, (middles[labeled], lags[labeled]), (8, -15))


def _label(axes: "Axes", name: str, point: tuple[float, float], offset: tuple[int, int]) -> None:
    axes.annotate(name, point, xytext=offset, textcoords="offset points", color=_color(name))


def _color(name: str) -> str:
    return "#0000ff" if name == OWN else "#000000"


def _lags(policy: dict[str, Any]) -> list[float]:
    return [one["mean_lag"] for one in policy["by_build_time"].values()]
