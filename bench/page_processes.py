"""The parts of the page that are about whole processes and containers."""

from typing import Any

from bench.container import TOOL as TOOL_CONTAINER
from bench.markdown import listed, measured, picture, ratio, seconds, spread, table
from bench.polling import OWN
from bench.processes import MOST_MEMORY, MOST_TIME
from bench.programs import BASELINE, FLOOR, LEAVING, TOOL


def processes_section(data: dict[str, Any]) -> str:
    """Return the section on one read of a finished build."""
    programs = data["programs"]
    rows = []
    for name, found in programs.items():
        cells = [spread(found[kind]) for kind in ("wall", "cpu")]
        shown = f"`{name}`" if name in {BASELINE.name, FLOOR.name} else name
        rows.append([f"**{name}**" if name == OWN else shown, *cells, f"{found['memory']:.1f}"])
    own = programs[TOOL.name]
    wall, memory = own["wall"]["median"], own["memory"]
    versions = ", ".join(
        version if name.startswith("Twilio") else f"{name} {version}"
        for name, version in data["versions"].items()
    )
    return f"""## One read of a finished build

Whole programs, from start to exit, taking turns for {data["rounds"]} rounds after two that warm
caches up. Everything is a ratio to a Python that imports `requests` and `backoff` and does nothing:
the median over the rounds, with the middle half of them in brackets. This project allows itself
{MOST_TIME} times that process, and {MOST_MEMORY:.0f} MiB.

{table(["program", "time, start to end", "CPU time", "peak memory, MiB"], rows)}
{measured(data, versions)}
{picture("processes", "Time, CPU time and peak memory of one read, by program")}
This tool: {wall:.2f} times the imports, {_kept(wall, MOST_TIME)}; {memory:.1f} MiB,
{_kept(memory, MOST_MEMORY)}. It can be below 1 because it leaves by `os._exit`, where the
interpreter that only imported takes itself apart first; over one that leaves the same way it takes
{ratio(own["cpu"]["median"] / programs[LEAVING.name]["cpu"]["median"])} the CPU
time. `true` shows what the measuring costs: its memory is that of the process which started it, and
nothing smaller can be seen. The memory of a shell loop is that of its largest process. curl is the
lightest by far; it also has no deadline, and with a wrong password that loop asks for ever.
"""


def _kept(value: float, limit: float) -> str:
    return "within the limit" if value <= limit else "**over the limit**"


def waits_section(data: dict[str, Any]) -> str:
    """Return the section on a build of a minute."""
    low, high = min(data["calm_seconds"]), max(data["calm_seconds"])
    own = data["programs"][OWN]["calm"]
    calm = [
        [
            f"**{name}**" if name == OWN else name,
            _lag(found["calm"]),
            f"{found['calm']['requests']:.1f}",
            ratio(found["calm"]["cpu"] / own["cpu"]),
            f"{found['calm']['memory']:.1f}",
        ]
        for name, found in data["programs"].items()
    ]
    faulty = [
        [
            f"**{name}**" if name == OWN else name,
            _lag(found["faulty"]),
            f"{found['faulty']['requests']:.1f}",
            _seen(found["faulty"]),
            ", ".join(map(str, found["faulty"]["codes"])),
            f"`{found['faulty']['last_words'][0]}`",
        ]
        for name, found in data["programs"].items()
    ]
    return f"""## A build of a minute

The same programs waiting, as far as they can wait (Twilio's Python client cannot), all side by
side, with lag and requests as the emulator saw them. {len(data["calm_seconds"])} builds of {low:g}
to {high:g} s for each program, spread so that no interval divides them all. Twilio's toolkit waits
by its own `waitForSuccessfulBuild`, [through a few lines of Node](../bench/clients/toolkit.js); the
shell loops are [one that reads until there is a verdict](../bench/clients/curl_until.sh), every
5 s, and [one that reads while the status is `building`](../bench/clients/curl_while.sh), every 2 s.

{table(["program", "mean lag", "requests", "CPU time", "peak memory, MiB"], calm)}
CPU time is over this tool's.

{measured(data)}
{picture("minute", "Lag of each program for each build of a minute, with and without faults")}
Then {len(data["faulty_seconds"])} builds with one 503 in the middle and, after three good reads,
one TCP reset:

{table(["program", "mean lag", "requests", "saw the end", "exit code", "its last words"], faulty)}
{measured(data)}
{_verdicts(data)}"""


def _seen(found: dict[str, Any]) -> str:
    return f"{len(found['waits']) - found['unseen']} of {len(found['waits'])}"


def _lag(found: dict[str, Any]) -> str:
    return "—" if found["mean_lag"] is None else seconds(found["mean_lag"])


def _verdicts(data: dict[str, Any]) -> str:
    """Say in words who ended before the build did, and how."""
    died, lied = [], []
    for name, found in data["programs"].items():
        ended_early = [wait for wait in found["faulty"]["waits"] if wait["lag"] is None]
        if any(wait["code"] for wait in ended_early):
            died.append(name)
        if any(not wait["code"] for wait in ended_early):
            lied.append(name)
    sentences = []
    if died:
        sentences.append(
            f"{listed(died)} ended with an error at a fault that says nothing about the build, so "
            "that a pipeline fails although its build does not."
        )
    if lied:
        sentences.append(
            f"{listed(lied)} ended with exit code 0 while the build was still running: what is "
            "not `building` is taken for done, and a pipeline deploys a build that does not exist "
            "yet. It does the same for a build that fails."
        )
    kept = [name for name in data["programs"] if name not in died + lied]
    sentences.append(f"{listed(kept)} waited on to the verdict.")
    return " ".join(sentences) + "\n"


def container_section(data: dict[str, Any]) -> str:
    """Return the section on the container."""
    stand_in = (
        " **Measured on a stand-in for the base image**, made on the measuring machine because it "
        "reached no registry: what the image adds is the same files, but the base's own size and "
        "start-up are the stand-in's."
        if data["stand_in"]
        else ""
    )
    rows = [
        [
            f"**{name}**" if name == TOOL_CONTAINER else name,
            spread(found["wall"]),
        ]
        for name, found in data["containers"].items()
    ]
    return f"""## The container

`docker run --rm`, from command to prompt, {data["rounds"]} rounds in turns, over the bare base
image (`{data["base"]}`) running `true`; median, and the middle half in brackets.{stand_in}

{table(["container", "time over the bare base"], rows)}
The image adds **{data["added"]:.1f} MiB** to its base (unpacked layers, as `docker image inspect`
counts them).

{measured(data, f"Docker {data['engine']}")}"""
