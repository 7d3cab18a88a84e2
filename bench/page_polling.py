"""The part of the page that is about polling: policies, dominance, faults, crowds."""

from typing import Any

from bench.crowd import SIZES
from bench.markdown import change, listed, measured, percent, picture, ratio, seconds, table
from bench.policies import PEERS
from bench.polling import FIXED, MEASURES, OWN, TOLERANCE, dominates
from bench.virtual import limits
from twilio_build_wait.schedule import GROWTH, JITTER

_NAMES = {
    "mean_lag": "mean lag",
    "p95_lag": "95 % lag",
    "relative_lag": "lag / build time",
    "requests": "requests",
}
#: Another default is worth a word if no measure is worse by more than this share.
_HARDLY_WORSE = 0.1
_MINUTE = 60


def polling_section(polling: dict[str, Any], crowd: dict[str, Any]) -> str:
    """Return the whole section on polling."""
    return "\n".join(
        (
            _method(polling),
            _first_table(polling),
            picture("trade-off", "Mean lag against requests, every policy a point"),
            _dominance(polling),
            _bounds(polling),
            _alternatives(polling),
            "### By build time\n",
            picture("lag-by-build-time", "Mean lag over build time, a line for each policy"),
            _fixed(polling),
            "### When one read in ten fails\n",
            _faults(polling),
            "### Many builds at once\n",
            _crowd(crowd),
            "### Where the policies were read\n",
            _sources(),
        )
    )


def _method(polling: dict[str, Any]) -> str:
    return f"""## Polling: lag against requests

Lag is the time from the end of a build to the read that sees it. Reading more often makes it
smaller and costs requests, so that neither number means much without the other. The project's own
wait, the code that runs in production (`wait.py` and `schedule.py`, with `backoff`'s loop), is run
on a virtual clock with every default but the time-out, beside the policies of others reduced to
their arithmetic: {polling["runs"]:,} builds of log-uniform length between 5 s and 20 min, the same
builds for each policy. Of the others only the first was made for Twilio's builds; they stand here
because they are what people use, or would copy, to wait for something.
"""


def _row(found: dict[str, float]) -> list[str]:
    return [
        seconds(found["mean_lag"]),
        seconds(found["p95_lag"]),
        percent(found["relative_lag"], 1),
        f"{found['requests']:.1f}",
    ]


def _bold(name: str) -> str:
    return f"**{name}**" if name == OWN else name


def _calm(polling: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {name: found["calm"] for name, found in polling["policies"].items()}


def _first_table(polling: dict[str, Any]) -> str:
    calm = _calm(polling)
    words = {OWN: _own_words()}
    words |= {peer.name: peer.words for peer in PEERS}
    rows = []
    for name, found in calm.items():
        by = [other for other in calm if dominates(calm[other], found)]
        rows.append([_bold(name), words[name], *_row(found), listed(by)])
    head = ["policy", "delay between reads", *_NAMES.values(), "dominated by"]
    return table(head, rows) + "\n" + measured(polling, f"seed {polling['seed']}")


def _own_words() -> str:
    bounds = limits()
    growth = f"{bounds.interval:g} s + {percent(GROWTH)} of the time waited"
    return f"{growth}, at most {bounds.max_interval:g} s, ±{percent(JITTER)}"


def _dominance(polling: dict[str, Any]) -> str:
    calm = _calm(polling)
    own = calm.pop(OWN)
    over = [name for name, found in calm.items() if dominates(own, found)]
    under = [name for name, found in calm.items() if dominates(found, own)]
    better = {
        name: [measure for measure in MEASURES if found[measure] < own[measure] * (1 - TOLERANCE)]
        for name, found in calm.items()
    }
    rows = []
    for name, found in calm.items():
        shown = {measure: ratio(found[measure] / own[measure]) for measure in MEASURES}
        bold = [f"**{one}**" if key in better[name] else one for key, one in shown.items()]
        rows.append([name, *bold])
    most = max(len(measures) for measures in better.values())
    nearest = [name for name, measures in better.items() if len(measures) == most]
    worse = [
        _NAMES[measure]
        for measure in MEASURES
        if any(calm[name][measure] > own[measure] * (1 + TOLERANCE) for name in nearest)
    ]
    return f"""One policy dominates another if it is nowhere worse in these four measures and
somewhere better, differences below {percent(TOLERANCE)} not counted. By that, {listed(under)} of
the {len(calm)} dominate this project's default, and it dominates {listed(over)}. The same as
ratios, in bold where the other is better:

{table(["policy over this project's", *_NAMES.values()], rows)}
Nearest to dominating it: {listed(nearest)}, better in {most} of the four measures and worse in
{listed(worse)}.
"""


def _bounds(polling: dict[str, Any]) -> str:
    calm, bounds = _calm(polling), polling["bounds"]

    def over(name: str, measure: str) -> float:
        return calm[name][measure] * (calm[name]["requests"] - 1) / float(bounds[measure])

    def best(measure: str) -> str:
        name = min(calm, key=lambda one: over(one, measure))
        return f"{_bold(name)} comes nearest, at {ratio(over(name, measure))} the bound"

    rows = [
        [_bold(name), ratio(over(name, "mean_lag")), ratio(over(name, "relative_lag"))]
        for name in calm
    ]
    constant = bounds["mean_build_time"] / 2 / bounds["mean_lag"]
    return f"""How good could it be? For a given spread of build times, the product of mean lag and
reads after the first cannot fall below about (∫√(f·S))²/2, with f the density of build times and S
the share still running: a schedule that pauses D(t) has a lag of ∫f·D/2 and makes ∫S/D reads, and
then it is the Cauchy-Schwarz inequality. For lag as a share of the build time, f·S becomes f·S/t.
Only a schedule that knew the spread would get there. How far each is from it (the dashed lines in
the picture):

{table(["policy", "mean lag, over the bound", "lag / build time, over the bound"], rows)}
For lag in seconds, {best("mean_lag")}. A constant interval comes to {ratio(constant)} there,
whatever its length, which is hard to beat; it pays for it on short builds. For lag as a share of
the build time,
{best("relative_lag")}.
"""


def _alternatives(polling: dict[str, Any]) -> str:
    own, bounds = _calm(polling)[OWN], limits()
    default = (bounds.interval, GROWTH, bounds.max_interval)
    others = [
        one
        for one in polling["alternatives"]
        if (one["interval"], one["growth"], one["cap"]) != default
    ]
    above = sum(dominates(one, own) for one in others)
    near = [
        one
        for one in others
        if all(one[measure] <= own[measure] * (1 + _HARDLY_WORSE) for measure in MEASURES)
    ]
    text = f"""Would other numbers of the same kind do better? Of {len(others)} others (first delay
0.5, 1 or 2 s, growth 2 to 6 %, at most 5, 7, 10 or 20 s), {above or "none"}
{"dominates" if above == 1 else "dominate"} the default."""
    if not near:
        return text + "\n"
    best = min(near, key=lambda one: float(one["p95_lag"]))
    changes = ", ".join(f"{_NAMES[m]} {change(best[m] / own[m] - 1)}" for m in MEASURES)
    return f"""{text} The best of those that are nowhere worse by more than
{percent(_HARDLY_WORSE)}, by its 95 % lag, is {best["interval"]:g} s + {percent(best["growth"])}, at
most {best["cap"]:g} s: {changes}. The first and the longest delay are inputs, `interval` and
`max-interval`.
"""


def _fixed(polling: dict[str, Any]) -> str:
    def label(time: float) -> str:
        return f"{time:g} s" if time < _MINUTE else f"{time / _MINUTE:g} min"

    def cell(found: dict[str, float]) -> str:
        return f"{seconds(found['mean_lag'])} / {found['requests']:.0f}"

    rows = [
        [_bold(name), *(cell(found["fixed"][f"{time:g}"]) for time in FIXED)]
        for name, found in polling["policies"].items()
    ]
    runs = polling["runs"] // len(FIXED)
    return f"""Mean lag / requests for builds of about one length, {runs:,} runs each. Every run
  draws its length within ±10 %: a build of 60 s to the millisecond would make every
interval that divides 60 look perfect.

{table(["policy", *(label(time) for time in FIXED)], rows)}
{measured(polling)}"""


def _faults(polling: dict[str, Any]) -> str:
    rows = []
    for name, found in polling["policies"].items():
        calm, faulty = found["calm"], found["faults"]
        rows.append([_bold(name), *_row(faulty), change(faulty["mean_lag"] / calm["mean_lag"] - 1)])
    rate = percent(polling["fault_rate"])
    return f"""The same builds, with each read failing at a chance of {rate}. This project reads
  again soon after a fault (a random time up to 1 s, then 2 s, 4 s and so on to 30 s),
which costs requests and saves lag; the policies of others are given the benefit of the doubt and
take a fault for "not finished".

{table(["policy", *_NAMES.values(), "mean lag, over without faults"], rows)}
{measured(polling)}"""


def _crowd(crowd: dict[str, Any]) -> str:
    few, many = str(SIZES[0]), str(SIZES[-1])
    rows = []
    for name, sizes in crowd["policies"].items():
        cells = [
            f"{seconds(found['mean_lag'])} / {found['refused']:.1f}" for found in sizes.values()
        ]
        slower = change(sizes[many]["mean_lag"] / sizes[few]["mean_lag"] - 1)
        rows.append([_bold(name), *cells, percent(sizes[many]["refused_share"]), slower])
    head = ["policy", *(f"{size:,} at once" for size in SIZES)]
    head += [f"refused of {SIZES[-1]:,}'s requests", f"mean lag, {SIZES[-1]:,} over 1"]
    low, high = crowd["work"]
    most = crowd["capacity"]
    return f"""All waits begin in the same moment, against a server that works on {most} requests
  at a time, {low:g} to {high:g} s on each, and answers one more with 429 at once, without
`Retry-After`. The build times are log-uniform as above, the same {crowd["waits"]:,} for each size
and each policy; the time a request takes is part of the lag here. In the cells: mean lag / requests
refused with 429, for each build.

{table(head, rows)}
{measured(crowd, f"seed {crowd['seed']}")}
{picture("crowd", "429s for each build and mean lag, alone and among a thousand, by policy")}
What costs the fixed intervals their lag is that they march in step: whoever was refused with the
crowd comes back with the crowd. Random pauses after a fault take the crowd apart.
"""


def _sources() -> str:
    return "\n".join(f"- **{peer.name}** — {peer.source}." for peer in PEERS) + "\n"
