"""docs/performance.md: every number in it, and every statement about numbers, is computed here."""

from pathlib import Path
from typing import Any

from bench import charts, container, store
from bench.markdown import filled, listed, percent, seconds
from bench.page_polling import polling_section
from bench.page_processes import container_section, processes_section, waits_section
from bench.polling import OWN, dominates

_HEAD = """# Performance

How late the end of a build is seen, how many requests that takes, what a run of the tool costs, and
how all of it compares with what people use today. `make bench` measures everything on this page
again, in a few minutes on two cores, and writes the page: no measured number was typed. It
needs Node with npm, curl, jq and Docker besides what `make` sets up, and no Twilio account: the
server is the
[emulator](../emulator) on the same machine. The raw figures lie beside this page, in
[performance/](performance).

Another machine has other times. So every time measured here is a *ratio within one run*, of
programs that took turns; seconds appear only where a schedule sets them (lag, delays, build times).
"""

_NOT_MEASURED = """## What is not measured

- **Twilio itself.** How long its builds take is not published. The log-uniform spread of 5 s to
  20 min is an assumption that favours no length; the table by build time is there so that you can
  look up your own. Its limit of concurrent requests is not published either: 100, and 100 to 300 ms
  of work on a request, are assumptions.
- **The network.** In the simulation a read takes no time, but for the crowd; the programs run
  beside the emulator on one machine, without TLS. A real round trip adds the same to every
  policy's lag,
  and a TLS handshake to every program: once to those that keep their connection, at every read to
  a loop that starts curl anew.
- **Peers' error handling in the simulation.** A policy there takes a fault for "not finished" and
  goes on. What the real programs do is measured above for Twilio's toolkit and two shell loops, and
  for nobody else.
- **Getting there.** Installing Node packages, a Python package or pulling an image is not counted
  for anyone.
- **The last word.** Reads are spread by ±10 % at random, so that another seed gives slightly other
  figures: the standard error of a mean lag in the first table is at most {error} of it.
"""


def write(docs: Path) -> None:
    """Write the page and its pictures into `docs`, from the data stored there.

    Raises:
        FileNotFoundError: a section was never measured.
    """
    folder = docs / store.FOLDER
    data = {
        name: store.load(name, folder)
        for name in ("polling", "crowd", "processes", "waits", "container")
    }
    pictures = {
        "trade-off": charts.trade_off(data["polling"]),
        "lag-by-build-time": charts.by_build_time(data["polling"]),
        "crowd": charts.crowd(data["crowd"]),
        "processes": charts.processes(data["processes"]),
        "minute": charts.minute(data["waits"]),
    }
    for name, drawing in pictures.items():
        (folder / f"{name}.svg").write_text(drawing.render(), "utf-8")
    (docs / store.PAGE).write_text(text(data), "utf-8")


def text(data: dict[str, dict[str, Any]]) -> str:
    """Return the page's Markdown."""
    error = max(
        found["calm"]["error"] / found["calm"]["mean_lag"]
        for found in data["polling"]["policies"].values()
    )
    parts = (
        _HEAD,
        in_short(data),
        polling_section(data["polling"], data["crowd"]),
        processes_section(data["processes"]),
        waits_section(data["waits"]),
        container_section(data["container"]),
        _NOT_MEASURED.format(error=percent(error, 1)),
    )
    return filled("\n\n".join(parts))


def in_short(data: dict[str, dict[str, Any]]) -> str:
    """Return the results that matter most, one line each."""
    calm = {name: found["calm"] for name, found in data["polling"]["policies"].items()}
    own = calm[OWN]
    ahead = [name for name, found in calm.items() if dominates(found, own)]
    read = data["processes"]["programs"][OWN]
    image, seen = data["container"], []
    for name, found in data["waits"]["programs"].items():
        waits = found["faulty"]["waits"]
        seen.append(f"{name} {len(waits) - found['faulty']['unseen']} of {len(waits)}")
    base = "a stand-in for its base" if image["stand_in"] else "its base"
    started = image["containers"][container.TOOL]["wall"]["median"]
    return f"""In short:

- With the defaults, the end of a build is seen {seconds(own["mean_lag"])} late on average
  ({percent(own["relative_lag"], 1)} of the build time; {seconds(own["p95_lag"])} or less in 95 of
  100 builds), with {own["requests"]:.0f} requests a build. Of the {len(calm) - 1} policies
  compared,
  {listed(ahead)} {"is" if len(ahead) == 1 else "are"} better in one respect without being worse in
  another.
- A thousand waits at once against a server that takes 100 requests at a time see their builds end
  {_later(data["crowd"])} later than one wait alone.
- One read of a finished build takes {read["wall"]["median"]:.2f} times as long as a Python that
  only imports `requests` and `backoff`, and {read["memory"]:.0f} MiB.
- A 503 and a reset in the middle of a build of a minute, and how many builds were seen to their
  end all the same: {", ".join(seen)}.
- The image adds {image["added"]:.1f} MiB to {base}; a container of it that reads a finished build
  takes {started:.1f} times as long as the bare base running `true`.
"""


def _later(crowd: dict[str, Any]) -> str:
    sizes = crowd["policies"][OWN]
    return seconds(max(0.0, sizes["1000"]["mean_lag"] - sizes["1"]["mean_lag"]))
