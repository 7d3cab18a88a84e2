"""The steps of a release, as the workflow calls them; each can be repeated safely.

What a step finds out is printed as NAME=VALUE, and appended to $GITHUB_OUTPUT where that is set.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.release import action_file, changelog, trial
from tools.release.check import base_image, check
from tools.release.problems import ReleaseError
from tools.release.tags import Tags
from tools.release.versions import Version

_IMAGE_NAME = "twilio-build-wait"


def main(arguments: Sequence[str]) -> int:
    """Run one step; return 0, or 1 after printing why the release must not go on."""
    options = parser().parse_args(arguments)
    try:
        options.step(options)
    except ReleaseError as error:
        command = "::error title=Release refused::" if "GITHUB_ACTIONS" in os.environ else ""
        for problem in error.problems:
            escaped = problem.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
            print(command + (escaped if command else problem), flush=True)
        return 1
    return 0


def _check(options: argparse.Namespace) -> None:
    version = Version.parse(options.version)
    if options.ref != "refs/heads/main":
        raise ReleaseError(
            f"Releases are made from the main branch, and this is {options.ref!r}: start the"
            " workflow on main."
        )
    if not re.fullmatch(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}", options.owner):
        raise ReleaseError(f"{options.owner!r} is not the name of an account on GitHub.")
    tags = Tags(Path.cwd())
    release = check(version, tags)
    _emit(
        version=str(version),
        major=str(version.major),
        # A registry takes lower case only; an account's name can have capitals.
        image=f"ghcr.io/{options.owner.lower()}/{_IMAGE_NAME}",
        base=base_image(tags),
        epoch=str(tags.head_epoch()),
        reference=release.reference if release else "",
    )


def _pin(options: argparse.Namespace) -> None:
    text = options.file.read_bytes().decode()
    options.file.write_bytes(action_file.pin(text, options.reference).encode())


def _tag(options: argparse.Namespace) -> None:
    release = Tags(Path.cwd()).tag(Version.parse(options.version), options.reference)
    _emit(commit=release.commit)


def _major(options: argparse.Namespace) -> None:
    moved = Tags(Path.cwd()).move_major(Version.parse(options.version))
    _emit(newest=str(moved).lower())


def _notes(options: argparse.Namespace) -> None:
    version = Version.parse(options.version)
    tags = Tags(Path.cwd())
    release = tags.find(version)
    if release is None:
        raise ReleaseError(f"{version.tag} is not released, so there is nothing to write about.")
    text = changelog.notes(tags.read(release.commit, "CHANGELOG.md"), version)
    print(
        f"{text}\n\n### Pin it\n\n"
        "This commit fixes everything, the image included:\n\n"
        f"```yaml\n- uses: {options.repository}@{release.commit} # {version.tag}\n```\n\n"
        f"Image: `{release.reference}`"
    )


def _try(options: argparse.Namespace) -> None:
    trial.run(options.reference, Version.parse(options.version))


def _latest(_: argparse.Namespace) -> None:
    tags = Tags(Path.cwd())
    released = tags.released()
    newest = tags.find(released[-1]) if released else None
    _emit(reference=newest.reference if newest else "")


def _emit(**values: str) -> None:
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    print(lines, end="", flush=True)
    if "GITHUB_OUTPUT" in os.environ:
        with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
            file.write(lines)


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line: one sub-command for each step."""
    whole = argparse.ArgumentParser(prog="python3 -m tools.release", description=__doc__)
    steps = whole.add_subparsers(required=True, metavar="STEP")

    step = steps.add_parser("check", help="say whether HEAD can be released, or was")
    step.add_argument("version")
    step.add_argument("--owner", required=True, help="account whose registry gets the image")
    step.add_argument("--ref", required=True, help="the branch that is released, in full")
    step.set_defaults(step=_check)

    step = steps.add_parser("pin", help="make an action.yml run an image by its digest")
    step.add_argument("file", type=Path)
    step.add_argument("reference", help="registry/owner/name@sha256:…")
    step.set_defaults(step=_pin)

    step = steps.add_parser("try", help="run an image by Docker against the emulator")
    step.add_argument("reference", help="registry/owner/name@sha256:…")
    step.add_argument("version", help="the version that it has to be")
    step.set_defaults(step=_try)

    step = steps.add_parser("tag", help="make the release commit off HEAD and push its tag")
    step.add_argument("version")
    step.add_argument("reference", help="registry/owner/name@sha256:…")
    step.set_defaults(step=_tag)

    step = steps.add_parser("notes", help="print the text of the release's page")
    step.add_argument("version")
    step.add_argument("--repository", required=True, help="owner/name on GitHub")
    step.set_defaults(step=_notes)

    step = steps.add_parser("major", help="move vX to this release, unless a newer one has it")
    step.add_argument("version")
    step.set_defaults(step=_major)

    step = steps.add_parser("latest", help="print the image of the newest release, if there is one")
    step.set_defaults(step=_latest)
    return whole


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
