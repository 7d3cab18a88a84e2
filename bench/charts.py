"""The two charts of docs/performance.md, as SVG for light and dark mode."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from bench.simulation import GROUPS, LONGEST, OWN, SHORTEST

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What matplotlib draws in, and the CSS variables that take its place.
_VARIABLES = {"#ffffff": "paper", "#000000": "ink", "#b0b0b0": "grid", "#0000ff": "own"}
_COLORS = {OWN: "#0000ff"}
_STYLE = """<style>
text { fill: var(--ink); font-family: system-ui, sans-serif !important }
use { fill: var(--ink) }
:root { --paper: #ffffff; --ink: #1f2328; --grid: #d1d9e0; --own: #0969da }
@media (prefers-color-scheme: dark) {
:root { --paper: #0d1117; --ink: #f0f6fc; --grid: #3d444d; --own: #4493f8 } }
</style>"""
# Where a label stands if not to the right of its point: the offset, and the side at the point.
_PLACES = {"shell loop": (-8, -4, "right"), "wait-on-check": (-8, 0, "right")}
_PLACES |= {"Terraform": (-8, -13, "right"), "google.api_core": (8, -11, "left")}
# The policies of the second chart; ten lines would hide each other.
_LINES = {OWN: "-", "Twilio's toolkit": "--", "shell loop": "-.", "vercel deploy": ":"}
_BUILD_TIMES = {SHORTEST: "5 s", 15: "15 s", 60: "1 min", 300: "5 min", LONGEST: "20 min"}


def describe(data: dict[str, Any]) -> dict[str, str]:
    """Return the text for each chart, by file name, that says what the chart shows."""
    calm = {name: policy["calm"] for name, policy in data["policies"].items()}
    points = [f"{name} {one['polls']:g}, {one['mean_lag']:g} s" for name, one in calm.items()]
    lines = [f"{name} {calm[name]['by_build_time']}" for name in _LINES]
    return {
        "trade-off.svg": f"Polls per build and mean lag: {'; '.join(points)}",
        "by-build-time.svg": f"Mean lag in s, shortest to longest builds: {'; '.join(lines)}",
    }


def draw(data: dict[str, Any], folder: Path) -> None:
    """Write the charts; the same data and versions make the same files."""
    import matplotlib as mpl  # noqa: PLC0415 (`make test` does without)
    from matplotlib.figure import Figure  # noqa: PLC0415 (as above)

    calm = {name: policy["calm"] for name, policy in data["policies"].items()}
    plots = dict(zip(describe(data).items(), (_trade_off, _by_build_time), strict=True))
    for (name, description), plot in plots.items():
        with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": OWN, "font.size": 11}):
            figure, svg = Figure(figsize=(8, 4.4), layout="constrained"), io.StringIO()
            axes = figure.subplots()
            axes.set(xscale="log", yscale="log")
            axes.set_yticks((1, 10, 100), labels=("1 s", "10 s", "100 s"))
            plot(axes, calm)
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


def _trade_off(axes: "Axes", calm: dict[str, Any]) -> None:
    axes.set(xlabel="polls per build (fewer is better)", ylabel="mean lag (less is better)")
    axes.set_xticks((10, 30, 100, 300), labels=("10", "30", "100", "300"))
    axes.set(xlim=(6, 500), ylim=(0.3, 300))
    for name, one in calm.items():
        point = (one["polls"], one["mean_lag"])
        axes.plot(*point, "o", color=_COLORS.get(name, "#000000"), markersize=8)
        x, y, side = _PLACES.get(name, (8, -4, "left"))
        axes.annotate(name, point, xytext=(x, y), textcoords="offset points", ha=side)


def _by_build_time(axes: "Axes", calm: dict[str, Any]) -> None:
    ratio = LONGEST / SHORTEST
    times = [SHORTEST * ratio ** ((group + 0.5) / GROUPS) for group in range(GROUPS)]
    axes.set(xlabel="build time", ylabel="mean lag")
    axes.set_xticks([*_BUILD_TIMES], labels=[*_BUILD_TIMES.values()])
    axes.set(xlim=(SHORTEST, 3 * LONGEST), ylim=(0.3, 30))
    for name, style in _LINES.items():
        lags = calm[name]["by_build_time"]
        axes.plot(times, lags, style, color=_COLORS.get(name, "#000000"), linewidth=2)
        axes.annotate(name, (times[-1], lags[-1]), xytext=(8, -4), textcoords="offset points")
