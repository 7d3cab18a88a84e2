"""docs/performance.md, from the data and a template."""

from typing import Any

from jinja2 import StrictUndefined, Template

from bench import policies, programs, simulation

PAGE = programs.HERE.parent / "docs" / "performance.md"
DATA = PAGE.parent / "performance" / "data.json"

#: What one poll may cost: its time over that of the imports, and MiB.
TIME_LIMIT, MEMORY_LIMIT = 1.25, 45


def render(data: dict[str, Any]) -> str:
    """Return the text of the page."""
    text = (programs.HERE / "page.md.jinja").read_text("utf-8")
    template = Template(
        text, trim_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )
    own, loop = (data["policies"][name]["by_build_time"] for name in (policies.OWN, policies.LOOP))
    page: str = template.render(
        **data,
        bench=simulation,
        programs=programs,
        OWN=policies.OWN,
        LOOP=policies.LOOP,
        descriptions=policies.DESCRIPTIONS,
        loop_lead=max(own[times]["mean_lag"] / loop[times]["mean_lag"] - 1 for times in own),
        limits=(TIME_LIMIT, MEMORY_LIMIT),
    )
    return page


def is_within_limits(data: dict[str, Any]) -> bool:
    """Return whether one poll costs no more than the limits."""
    cost = data["one_poll"][policies.OWN]
    return bool(cost["time"] <= TIME_LIMIT and cost["memory"] <= MEMORY_LIMIT)
