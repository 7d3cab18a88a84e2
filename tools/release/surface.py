"""What users rely on, as the code has it: `make snapshot` writes it down for a new version."""

import json
import sys
from pathlib import Path

from tools.release import interface
from tools.release.problems import ReleaseError
from twilio_build_wait import __version__
from twilio_build_wait.inputs import INPUTS
from twilio_build_wait.outcome import EXIT_OUTPUT_LOST, OUTPUTS, Ending, variable

_ROOT = Path(__file__).resolve().parents[2]


def current() -> interface.Interface:
    """Return the interface of the code in this tree."""
    exits: dict[str, list[int]] = {}
    for ending in Ending:
        exits.setdefault(ending.outcome, []).append(ending.exit_code)
    exits[Ending.COMPLETED.outcome].append(EXIT_OUTPUT_LOST)
    return {
        "version": __version__,
        "inputs": {
            known.name: {"environment": list(known.variables()), "default": known.default}
            for known in INPUTS
        },
        "outputs": {name: {"environment": variable(name)} for name in OUTPUTS},
        "exits": exits,
    }


def write(root: Path, new: interface.Interface) -> None:
    """Write the snapshot, if the changelog and the version say what has changed since the last.

    ReleaseError says what is missing, and leaves the file as it is.
    """
    file = root / interface.SNAPSHOT
    if file.exists():
        old = json.loads(file.read_text(encoding="utf-8"))
        found = interface.problems(old, new, (root / "CHANGELOG.md").read_text(encoding="utf-8"))
        if interface.compare(old, new) and old["version"] == new["version"]:
            found.append(
                f"The interface has changed and the version is still {new['version']}: the snapshot"
                " is of the newest version, and is written anew when the version goes up."
            )
        if found:
            raise ReleaseError(*found)
    file.write_text(interface.render(new), encoding="utf-8")


if __name__ == "__main__":
    try:
        write(_ROOT, current())
    except ReleaseError as error:
        sys.exit(str(error))
