"""The pictures of docs/performance.md, each from a section's stored data."""

from typing import Any

from bench import programs
from bench.markdown import TIMES, ratio
from bench.polling import OWN
from bench.processes import MOST_MEMORY, MOST_TIME
from bench.svg import Drawing, Scale, apart, axes, beside

#: What each policy is drawn in; those with a fixed interval are one family.
POLICY_COLOURS = {
    OWN: "own",
    "Terraform": "orange",
    "google.api_core": "green",
    "AWS SDK v3": "purple",
    "vercel deploy": "pink",
    "backoff expo": "brown",
}
_TIMES: dict[float, str] = {
    5: "5 s",
    15: "15 s",
    30: "30 s",
    60: "1 min",
    120: "2 min",
    300: "5 min",
    600: "10 min",
    1200: "20 min",
}
_READS: dict[float, str] = {10: "10", 20: "20", 50: "50", 100: "100", 200: "200"}


def colour(name: str) -> str:
    """Return what a policy or a program is drawn in."""
    return POLICY_COLOURS.get(name, "fixed")


def trade_off(polling: dict[str, Any]) -> Drawing:
    """Draw lag against requests: every policy a point, and the rough bound of what is possible."""
    drawing = Drawing(
        1000,
        470,
        "What each policy pays in requests for how late it is",
        "Two scatter plots of the mean number of requests for each build against the mean lag, and "
        "against the lag as a share of the build time. Nearer to the lower left is better; the "
        "dashed line is about what a schedule could reach that knew the distribution.",
    )
    left = Scale(6, 300, 80, 480, logarithmic=True)
    right = Scale(6, 300, 580, 980, logarithmic=True)
    lag = Scale(0.3, 300, 400, 60, logarithmic=True)
    share = Scale(0.01, 1, 400, 60, logarithmic=True)
    seconds = {0.5: "0.5 s", 1: "1 s", 5: "5 s", 20: "20 s", 100: "100 s"}
    shares = {
        0.01: "1 %",
        0.02: "2 %",
        0.05: "5 %",
        0.1: "10 %",
        0.2: "20 %",
        0.5: "50 %",
        1: "100 %",
    }
    axes(drawing, left, lag, _READS, seconds, "requests a build", "mean lag")
    axes(drawing, right, share, _READS, shares, "requests a build", "mean of lag / build time")
    drawing.text(80, 32, "Lag in seconds", bold=True)
    drawing.text(580, 32, "Lag as a share of the build time", bold=True)
    panels = ((left, lag, "mean_lag"), (right, share, "relative_lag"))
    for x, y, measure in panels:
        bound = polling["bounds"][measure]
        curve = [(reads, bound / (reads - 1)) for reads in range(7, 300)]
        drawing.path(
            [(x(n), y(value)) for n, value in curve if y.low < value < y.high],
            "soft",
            width=1.5,
            dash="4 4",
        )
        for one in polling["alternatives"]:
            drawing.dot(x(one["requests"]), y(one[measure]), 1.3, "soft")
        policies = {name: found["calm"] for name, found in polling["policies"].items()}
        points = [(x(one["requests"]), y(one[measure])) for one in policies.values()]
        for place, label, name in zip(
            points, beside(points, list(policies), (x.start, x.end + 8)), policies, strict=True
        ):
            is_own = name == OWN
            drawing.dot(*place, 6 if is_own else 4, colour(name))
            drawing.text(*label[:2], name, colour(name), anchor=label[2], bold=is_own)
    drawing.text(
        500,
        460,
        "dashed: about the least that a schedule could reach which knew how long builds take; "
        "small dots: other numbers for this project's",
        "soft",
        anchor="middle",
    )
    return drawing


def by_build_time(polling: dict[str, Any]) -> Drawing:
    """Draw the mean lag over the build time, a line a policy."""
    drawing = Drawing(
        1000,
        500,
        "How late the end of a build is seen, by how long the build takes",
        "Lines of the mean lag over the build time from 5 seconds to 20 minutes, one for each "
        "policy, both axes logarithmic.",
    )
    x = Scale(5, 1200, 90, 820, logarithmic=True)
    y = Scale(0.3, 1000, 430, 50, logarithmic=True)
    seconds = {
        0.5: "0.5 s",
        1: "1 s",
        2: "2 s",
        5: "5 s",
        10: "10 s",
        30: "30 s",
        60: "1 min",
        300: "5 min",
    }
    axes(drawing, x, y, _TIMES, seconds, "build time", "mean lag")
    drawing.text(90, 30, "How late the end of a build is seen, by how long it takes", bold=True)
    names = list(polling["policies"])
    lines = {
        name: [
            (x(one["build_time"]), y(one["mean_lag"]))
            for one in polling["policies"][name]["by_build_time"]
        ]
        for name in names
    }
    for name in reversed(names):  # this project's own last, over the others
        drawing.path(lines[name], colour(name), width=3.5 if name == OWN else 1.5)
    for name, place in zip(names, apart([lines[name][-1][1] for name in names]), strict=True):
        drawing.line(*lines[name][-1], 838, place, colour(name), width=0.75)
        drawing.text(842, place + 4.5, name, colour(name), bold=name == OWN)
    return drawing


def crowd(data: dict[str, Any]) -> Drawing:
    """Draw the 429s and the lag of a thousand waits at once."""
    names = list(data["policies"])
    height = 90 + 28 * len(names) + 50
    drawing = Drawing(
        1000,
        height,
        "A thousand builds waited for at once",
        "For each policy the number of requests turned away with 429 for each build, and the mean "
        "lag of a build waited for alone and among a thousand.",
    )
    bottom = height - 60
    bars = Scale(0, 16, 180, 520)
    lag = Scale(0.4, 200, 600, 980, logarithmic=True)
    for scale, ticks in (
        (bars, {value: str(value) for value in (0, 5, 10, 15)}),
        (lag, {0.5: "0.5 s", 1: "1 s", 2: "2 s", 5: "5 s", 10: "10 s", 50: "50 s", 200: "200 s"}),
    ):
        for value, label in ticks.items():
            drawing.line(scale(value), 60, scale(value), bottom, "grid")
            drawing.text(scale(value), bottom + 18, label, "soft", anchor="middle")
    drawing.text(180, 32, "Requests turned away (429) for each build", bold=True)
    drawing.text(600, 32, "Mean lag: alone (ring) and among a thousand (disc)", bold=True)
    for number, name in enumerate(names):
        y = 78 + 28 * number
        alone, among = data["policies"][name]["1"], data["policies"][name]["1000"]
        drawing.text(168, y + 4.5, name, colour(name), anchor="end", bold=name == OWN)
        drawing.bar(bars.start, y - 8, bars(among["refused"]) - bars.start, 16, colour(name))
        drawing.text(bars(among["refused"]) + 6, y + 4.5, f"{among['refused']:.1f}", "soft")
        drawing.line(lag(alone["mean_lag"]), y, lag(among["mean_lag"]), y, colour(name), width=2)
        drawing.dot(lag(alone["mean_lag"]), y, 5, "paper")
        drawing.dot(lag(alone["mean_lag"]), y, 5, colour(name), hollow=True)
        drawing.dot(lag(among["mean_lag"]), y, 4, colour(name))
    drawing.text(350, height - 14, "429s a build", anchor="middle")
    drawing.text(790, height - 14, "mean lag", anchor="middle")
    return drawing


def processes(data: dict[str, Any]) -> Drawing:
    """Draw what one read of a finished build costs: time, CPU time and memory."""
    names = [name for name in data["programs"] if name != programs.FLOOR.name]
    bottom = 70 + 34 * len(names)
    drawing = Drawing(
        1000,
        bottom + 60,
        "What one read of a finished build costs",
        "Bars for each program of wall-clock time and CPU time over those of a Python that only "
        "imports requests and backoff, and of peak memory in MiB.",
    )
    memory = max(one["memory"] for one in data["programs"].values())
    highest = max(
        data["programs"][name][kind]["high"] for name in names for kind in ("wall", "cpu")
    )
    most = max(1.5, highest * 1.1)
    panels = (
        ("wall", "Time, start to end", Scale(0, most, 265, 435), MOST_TIME),
        ("cpu", "CPU time", Scale(0, most, 515, 685), None),
        ("memory", "Peak memory, MiB", Scale(0, max(70, memory * 1.1), 765, 935), MOST_MEMORY),
    )
    for kind, title, x, limit in panels:
        drawing.text(x.start, 32, title, bold=True)
        steps = (0, 20, 40, 60) if kind == "memory" else (0, 0.5, 1, 1.5)
        for value in steps:
            if value <= x.high:
                label = f"{value:g}" if kind == "memory" else f"{value:g}{TIMES}"
                drawing.line(x(value), 50, x(value), bottom, "grid")
                drawing.text(x(value), bottom + 18, label, "soft", anchor="middle")
        if limit:
            drawing.line(x(limit), 46, x(limit), bottom, "bad", width=1.5, dash="5 3")
        for number, name in enumerate(names):
            found, y = data["programs"][name][kind], 68 + 34 * number
            value = found if kind == "memory" else found["median"]
            drawing.bar(x.start, y - 9, max(1.0, x(value) - x.start), 18, _program(name))
            if kind != "memory" and found["high"] > found["low"]:
                drawing.line(x(found["low"]), y, x(found["high"]), y, "ink", width=1.5)
            label = f"{value:.0f}" if kind == "memory" else ratio(value)
            drawing.text(x.end + 42, y + 4.5, label, anchor="end")
    for number, name in enumerate(names):
        y = 68 + 34 * number
        drawing.text(253, y + 4.5, name, _program(name), anchor="end", bold=name == OWN)
    drawing.text(
        500,
        bottom + 48,
        "bars: medians; thin lines: the middle half of the rounds; dashed: this project's limits",
        "soft",
        anchor="middle",
    )
    return drawing


def minute(data: dict[str, Any]) -> Drawing:
    """Draw how late each program saw the end of a build of a minute, with and without faults."""
    names = list(data["programs"])
    bottom = 62 + 26 * (2 * len(names) + 2)
    drawing = Drawing(
        1000,
        bottom + 60,
        "A build of a minute, waited for by whole programs",
        "For each program a ring for each build, at the seconds from the build's end until the "
        "program's last read; a note where the program stopped before the build's end.",
    )
    lags = [
        wait["lag"]
        for found in data["programs"].values()
        for kind in ("calm", "faulty")
        for wait in found[kind]["waits"]
        if wait["lag"] is not None
    ]
    x = Scale(0, max(6.0, *lags) * 1.02, 250, 960)
    for value in range(int(x.high) + 1):
        drawing.line(x(value), 50, x(value), bottom, "soft" if value == 0 else "grid")
        drawing.text(x(value), bottom + 18, f"{value} s", "soft", anchor="middle")
    drawing.text(250, 32, "Seconds from the end of a build of a minute until it is seen", bold=True)
    for group, (kind, title) in enumerate(
        (("calm", "undisturbed"), ("faulty", "one 503 and one reset"))
    ):
        top = 66 + group * 26 * (len(names) + 1)
        drawing.text(238, top + 4.5, title, "soft", anchor="end")
        for number, name in enumerate(names):
            y = top + 26 * (number + 1)
            drawing.text(238, y + 4.5, name, _program(name), anchor="end", bold=name == OWN)
            found = data["programs"][name][kind]
            seen = [wait["lag"] for wait in found["waits"] if wait["lag"] is not None]
            for lag in seen:
                drawing.dot(x(lag), y, 4.5, _program(name), hollow=True)
            if found["unseen"]:
                codes = ", ".join(map(str, found["codes"]))
                early = -min(wait["last_read"] for wait in found["waits"])
                count = f"{found['unseen']} of {len(found['waits'])}"
                note = f"{count} stopped up to {early:.0f} s before the end, exit {codes}"
                drawing.text(x(max(seen, default=0.0)) + 10, y + 4.5, note, "bad")
    drawing.text(605, bottom + 44, "lag; every ring is one build", "soft", anchor="middle")
    return drawing


def _program(name: str) -> str:
    return {
        OWN: "own",
        programs.TOOLKIT_CLIENT.name: "green",
        programs.PYTHON_CLIENT.name: "purple",
        programs.CURL_UNTIL.name: "orange",
        programs.CURL_WHILE.name: "brown",
    }.get(name, "fixed")
