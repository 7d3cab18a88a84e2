"""docs/performance.md says what was measured, and what it was measured against is what it names."""

import re
from itertools import pairwise
from pathlib import Path
from random import Random
from xml.etree import ElementTree as ET

import pytest

from bench import page, polling, store, virtual
from bench.policies import PEERS, Policy, growing
from bench.waits import last_words
from twilio_build_wait.schedule import GROWTH, JITTER

SECTIONS = ("polling", "crowd", "processes", "waits", "container")


class Middle(Random):
    """Draws the middle of every range."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def delays(policy: Policy, build_time: float) -> list[float]:
    """The pauses of a policy that always draws the middle, until `build_time`."""
    found: list[float] = []
    now = 0.0
    while now < build_time:
        found.append(policy.delay(len(found) + 1, now, Middle()))
        now += found[-1]
    return found


#: The first delays of each policy, drawn from the middle, and the longest within 20 minutes.
EXPECTED: dict[str, tuple[list[float], float]] = {
    "fixed 1 s": ([1, 1, 1], 1),
    "fixed 3 s": ([3, 3, 3], 3),
    "fixed 5 s": ([5, 5, 5], 5),
    "fixed 10 s": ([10, 10, 10], 10),
    "Terraform": ([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10], 10),
    "google.api_core": ([0.5, 0.75, 1.125, 1.6875], 10),
    "AWS SDK v3": ([2, 3, 5, 9, 17, 33, 120, 120], 120),
    "vercel deploy": ([1.0] * 16 + [5] * 9 + [15] * 16 + [30], 30),
    "backoff expo": ([0.5, 1, 2, 4, 8, 16, 32, 64, 128], 1024),
}


@pytest.mark.parametrize("policy", PEERS, ids=lambda policy: policy.name)
def test_each_policy_reads_when_its_source_says(policy: Policy) -> None:
    first, longest = EXPECTED[policy.name]
    found = delays(policy, 1200)
    assert found[: len(first)] == pytest.approx(first)
    assert max(found) == pytest.approx(longest)


def test_the_alternatives_are_of_the_kind_of_the_own_schedule() -> None:
    bounds = virtual.limits()
    same = growing(bounds.interval, GROWTH, bounds.max_interval, JITTER)
    for build_time in (0.0, 5.5, 61.0, 1199.0):
        assert virtual.own(build_time, Middle(), bounds) == pytest.approx(
            virtual.peer(build_time, Middle(), same)
        )


def test_dominance_is_being_nowhere_worse_and_somewhere_better() -> None:
    one = dict.fromkeys(polling.MEASURES, 1.0)
    assert not polling.dominates(one, one)
    for measure in polling.MEASURES:
        better = one | {measure: 0.9}
        assert polling.dominates(better, one)
        assert not polling.dominates(one, better)
        for other in set(polling.MEASURES) - {measure}:
            assert not polling.dominates(better | {other: 1.1}, one)


def test_a_constant_interval_cannot_be_under_the_bound() -> None:
    times = polling.log_uniform(2000, seed=1)
    found = polling.summary(times, polling.simulate("fixed 1 s", times, 1))
    for measure in ("mean_lag", "relative_lag"):
        bound = polling.bound(relative=measure == "relative_lag")
        assert bound < found[measure] * (found["requests"] - 1) < 10 * bound


def test_the_page_and_its_pictures_are_made_of_the_stored_data(tmp_path: Path) -> None:
    folder = store.DOCS / store.FOLDER
    (tmp_path / store.FOLDER).mkdir()
    for section in SECTIONS:
        data = (folder / f"{section}.json").read_text("utf-8")
        (tmp_path / store.FOLDER / f"{section}.json").write_text(data, "utf-8")
    page.write(tmp_path)
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    kept = {path.relative_to(store.DOCS) for path in folder.iterdir()} | {Path(store.PAGE)}
    assert made == kept
    for path in made:
        assert (tmp_path / path).read_text("utf-8") == (store.DOCS / path).read_text("utf-8"), path


def test_every_table_and_picture_says_how_and_when_it_was_measured() -> None:
    text = (store.DOCS / store.PAGE).read_text("utf-8")
    for section in SECTIONS:
        data = store.load(section)
        assert f"*Measured {data['date']} by `{data['command']}`: " in text
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", data["date"])
        # Figures of fewer runs than the defaults are for trying things out.
        assert data["command"] == f"python -m bench {section}"


def test_pictures_have_a_light_and_a_dark_dress_and_say_what_they_show() -> None:
    pictures = sorted((store.DOCS / store.FOLDER).glob("*.svg"))
    assert pictures
    for path in pictures:
        root = ET.parse(path).getroot()  # noqa: S314 (the project's own file)
        said = {child.tag.rpartition("}")[2]: child.text or "" for child in root}
        assert "prefers-color-scheme:dark" in said["style"]
        assert said["title"]
        assert said["desc"]


def test_last_words_are_the_line_that_tells_the_outcome() -> None:
    trace = "node:1\n  throw it\n  ^\n\nHTTPError: Response code 503\n    at f (/x/y.js:1)\n"
    trace += "    at g {\n  code: 'E',\n  timings: {\n    start: 1\n  }\n}\n\nNode.js v20.20.2\n"
    assert last_words(trace, ()) == "HTTPError: Response code 503"
    assert last_words("0.1s  building\ncompleted after 1m\n", ()) == "completed after 1m"
    assert last_words("", ()) == ""
    assert last_words("cannot read /home/me/file", ("/home/me",)) == "cannot read …/file"


def test_the_tables_are_in_order_of_build_time() -> None:
    bins = store.load("polling")["policies"][polling.OWN]["by_build_time"]
    assert len(bins) == polling.BINS
    assert all(one["build_time"] < other["build_time"] for one, other in pairwise(bins))
