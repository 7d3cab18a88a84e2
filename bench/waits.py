"""A build of a minute waited for by whole processes, all side by side: lag, requests, last words.

Some waits go undisturbed; in the others one read in the middle is answered with 503, and one a
little later with a TCP reset.
"""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from bench.programs import (
    REPOSITORY,
    WAITERS,
    Program,
    Run,
    Running,
    build_sids,
    environment,
    toolkit,
    versions,
)
from emulator.server import Emulator, Options

#: Seconds that the undisturbed builds take, each waited for by every program: a minute, spread so
#: that no fixed interval divides them all.
CALM = (57.2, 57.9, 58.5, 59.1, 59.8, 60.3, 61.1, 61.6, 62.4, 62.7)
#: The same for the builds with faults.
FAULTY = (58.2, 59.4, 60.1, 61.3, 62.5)
#: Seconds after its start at which a wait meets the 503; then come so many good reads, and then
#: the reset.
MIDDLE, BETWEEN = 28.0, 3
#: Seconds between two starts, so that they do not slow each other down.
STAGGER = 0.2
#: Seconds after which a program that has not ended is ended.
LIMIT = 100.0


@dataclass(frozen=True)
class _Wait:
    """One program waiting for one build, begun at a reading of the monotonic clock."""

    program: Program
    build_sid: str
    seconds: float
    faulty: bool
    begun: float
    emulator: Emulator
    running: Running


def measure() -> dict[str, Any]:
    """Run all waits, and return the data of the page."""
    with ExitStack() as stack:
        modules = stack.enter_context(toolkit())
        folder = stack.enter_context(TemporaryDirectory(prefix="bench-"))
        waits = list(_begun(stack, modules, Path(folder)))
        for wait in waits:
            if wait.faulty:
                time.sleep(max(0.0, wait.begun + MIDDLE - time.monotonic()))
                wait.emulator.play("503", f"ok*{BETWEEN}", "reset")
        ended = [_told(wait, wait.running.end(LIMIT), (folder, str(modules))) for wait in waits]
    return {
        "calm_seconds": list(CALM),
        "faulty_seconds": list(FAULTY),
        "versions": versions(),
        "programs": {
            program.name: {
                "calm": _together([one for one in ended if _is(one, program, faulty=False)]),
                "faulty": _together([one for one in ended if _is(one, program, faulty=True)]),
            }
            for program in WAITERS
        },
    }


def _begun(stack: ExitStack, modules: Path, folder: Path) -> Iterator[_Wait]:
    """Start all, side by side; each with an emulator of its own, so that faults meet one alone."""
    sids = build_sids()
    plan = [(seconds, False) for seconds in CALM] + [(seconds, True) for seconds in FAULTY]
    for seconds, faulty in plan:
        for program in WAITERS:
            sid = next(sids)
            emulator = stack.enter_context(Emulator(Options(default=None)))
            emulator.add_build(sid, after=seconds)
            home = folder / sid
            home.mkdir()
            env = environment(emulator.url, sid, home, modules)
            running = stack.enter_context(Running(program, env, home / "output"))
            yield _Wait(program, sid, seconds, faulty, time.monotonic(), emulator, running)
            time.sleep(STAGGER)


def _told(wait: _Wait, run: Run, folders: tuple[str, ...]) -> dict[str, Any]:
    """Say how one wait went, by the emulator's log.

    `lag` and `last_read` are seconds after the build's end; `lag` is None if that was never seen.
    """
    log = wait.emulator.log(wait.build_sid)
    (build,) = log["builds"]
    seen = [
        entry["ended"] - build["ends_at"]
        for entry in log["requests"]
        if entry["status"] == 200 and entry["time"] >= build["ends_at"]  # noqa: PLR2004 (HTTP)
    ]
    return {
        "program": wait.program.name,
        "faulty": wait.faulty,
        "seconds": wait.seconds,
        "requests": len(log["requests"]),
        "lag": min(seen, default=None),
        "last_read": log["requests"][-1]["ended"] - build["ends_at"],
        "cpu": run.cpu,
        "memory": run.memory,
        "code": run.code,
        "last_words": last_words(run.output, folders),
    }


def last_words(output: str, folders: tuple[str, ...]) -> str:
    """Return the last line that a person would read an outcome from, without this machine's paths.

    A stack trace ends in lines that say nothing of that kind; then it is the line above it.
    """
    lines = [line.strip() for line in output.splitlines()]
    noise = re.compile(r"at .*|[{}\]),]*|Node\.js v.*|\w+: .*[,{]|\[?Symbol.*|\^")
    telling = [line for line in lines if not noise.fullmatch(line)]
    errors = [line for line in telling if re.search(r"\w*Error\b", line)]
    said = (errors or telling or [""])[-1 if not errors else 0]
    for folder in (*folders, str(REPOSITORY)):
        said = said.replace(folder, "…")
    return said


def _is(one: dict[str, Any], program: Program, *, faulty: bool) -> bool:
    return bool(one["program"] == program.name and one["faulty"] is faulty)


def _together(waits: list[dict[str, Any]]) -> dict[str, Any]:
    lags = [one["lag"] for one in waits if one["lag"] is not None]
    return {
        "mean_lag": fmean(lags) if lags else None,
        "requests": fmean(one["requests"] for one in waits),
        "cpu": fmean(one["cpu"] for one in waits),
        "memory": fmean(one["memory"] for one in waits),
        "unseen": len(waits) - len(lags),
        "codes": sorted({one["code"] for one in waits}),
        "last_words": sorted({one["last_words"] for one in waits}),
        "waits": waits,
    }
