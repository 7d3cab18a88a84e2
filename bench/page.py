"""docs/performance.md, from the data and a template."""

from typing import Any

from jinja2 import StrictUndefined, Template

from bench import programs, simulation
from bench.policies import OTHERS
from twilio_build_wait.inputs import INTERVAL, MAX_INTERVAL
from twilio_build_wait.schedule import GROWTH, JITTER

PAGE = programs.HERE.parent / "docs" / "performance.md"
DATA = PAGE.parent / "performance" / "data.json"

#: What one poll may cost: its time over that of the imports, and MiB.
TIME_LIMIT, MEMORY_LIMIT = 1.25, 45


def render(data: dict[str, Any]) -> str:
    """Return the text of the page."""
    text = (programs.HERE / "page.md.jinja").read_text("utf-8")
    own = f"{INTERVAL.default:g} s + {100 * GROWTH:g} % of the time waited, "
    own += f"at most {MAX_INTERVAL.default:g} s, ±{100 * JITTER:g} %"
    template = Template(
        text, trim_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )
    page: str = template.render(
        **data,
        bench=simulation,
        programs=programs,
        words={simulation.OWN: own} | {name: words for name, (words, _) in OTHERS.items()},
        limits=(TIME_LIMIT, MEMORY_LIMIT),
        dominating=[name for name in OTHERS if dominates(data, name)],
    )
    return page


def dominates(data: dict[str, Any], name: str) -> bool:
    """Return whether a policy is not worse than the project's own in any measure."""
    other, own = (data["policies"][policy]["calm"] for policy in (name, simulation.OWN))
    measures = ("mean_lag", "p95_lag", "relative_lag", "polls")
    return all(other[measure] <= own[measure] for measure in measures)


def is_within_limits(data: dict[str, Any]) -> bool:
    """Return whether one poll costs no more than the limits."""
    cost = data["one_poll"][simulation.OWN]
    return bool(cost["time"] <= TIME_LIMIT and cost["memory"] <= MEMORY_LIMIT)
