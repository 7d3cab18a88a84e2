"""The figures of docs/performance.md still hold: each ratio is measured again, in less detail.

The bounds are generous, since this may run on a machine that does much else; but whatever doubles
is seen. CPU time stands for time here, as it suffers least from what else the machine does.
"""

from typing import Any

import pytest

from bench import crowd, polling, store
from bench.processes import MOST_MEMORY, MOST_TIME
from bench.programs import BASELINE, TOOL, Run, build_sids, environment, run
from emulator.server import Emulator, Options

#: How many times as much as stored is let pass.
GENEROUS = 1.7
ROUNDS = 5


def stored(section: str) -> dict[str, Any]:
    return store.load(section)


@pytest.mark.parametrize("weather, fault_rate", [("calm", 0.0), ("faults", 0.1)])
def test_lag_and_requests_of_the_wait_have_not_grown(weather: str, fault_rate: float) -> None:
    times = polling.log_uniform(400, seed=1)
    now = polling.summary(times, polling.simulate(polling.OWN, times, 1, fault_rate))
    then = stored("polling")["policies"][polling.OWN][weather]
    for measure in polling.MEASURES:
        assert now[measure] < GENEROUS * then[measure], measure


def test_a_crowd_of_waits_is_not_refused_more_often_nor_served_later() -> None:
    # As many waits for each place in the server as in the stored figures, a tenth of both.
    waits, capacity = 100, crowd.CAPACITY // 10
    times = polling.log_uniform(waits, seed=1)
    now = crowd.summary([crowd.crowd(polling.OWN, times, "1", capacity)])
    then = stored("crowd")["policies"][polling.OWN]["1000"]
    assert then["refused"] > 1  # or the next line would prove nothing
    for measure in ("refused", "requests", "mean_lag"):
        assert now[measure] < GENEROUS * then[measure], measure


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Run]]:
    """Some rounds of the imports alone, and of the tool reading a finished build."""
    folder = tmp_path_factory.mktemp("reads")
    runs: dict[str, list[Run]] = {BASELINE.name: [], TOOL.name: []}
    with Emulator(Options(default="completed:0s")) as emulator:
        sids = build_sids()
        for _ in range(ROUNDS):
            for program in (BASELINE, TOOL):
                done = run(program, environment(emulator.url, next(sids), folder, None), folder)
                assert done.code == 0, done.output
                runs[program.name].append(done)
        assert len(emulator.requests()) == ROUNDS
    return runs


def test_one_read_costs_little_more_than_its_imports(reads: dict[str, list[Run]]) -> None:
    tool, imports = (min(run.cpu for run in reads[each.name]) for each in (TOOL, BASELINE))
    then = stored("processes")["programs"][TOOL.name]["cpu"]["median"]
    assert tool / imports < GENEROUS * then


def test_one_read_takes_at_most_45_mib(reads: dict[str, list[Run]]) -> None:
    # The smallest that a process can be seen as is its launcher, so that a broken measure shows.
    assert all(5 < run.memory <= MOST_MEMORY for run in reads[TOOL.name])


def test_the_stored_figures_are_within_what_the_project_allows_itself() -> None:
    read = stored("processes")["programs"][TOOL.name]
    assert read["wall"]["median"] <= MOST_TIME == 1.25
    assert read["memory"] <= MOST_MEMORY == 45
