"""How ratios that were measured round by round are summed up."""

from collections.abc import Sequence
from statistics import quantiles


def spread(ratios: Sequence[float]) -> dict[str, float]:
    """Return the median and the quartiles, as `low`, `median` and `high`."""
    low, median, high = quantiles(ratios, n=4)
    return {"low": low, "median": median, "high": high}
