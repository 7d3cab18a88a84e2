"""Whether the commit that is checked out can be released as a version."""

import re
from pathlib import Path

import yaml
from packaging.version import Version

from tools.release import ReleaseError, owner, repository


def check(version: Version, account: str, ref: str) -> str:
    """Return the image of this version if its tag exists, or "" if it can be released.

    `account` owns the repository on GitHub, and `ref` is the full name of the branch. ReleaseError
    lists every problem.
    """
    found = [] if ref == "refs/heads/main" else [f"{ref} is not main. Start the release on main."]
    reference = repository.image(version)
    if not reference:
        found += [*_files(version), *_upgrade(version), *repository.workflow_problems()]
        if stale := owner.renamed(Path.cwd(), account):
            found.append(
                f"{', '.join(map(str, stale))} must name the account {account}. Run `python -m"
                f" tools.release owner {account}`, and commit the result."
            )
    if found:
        raise ReleaseError("\n".join(found))
    return reference


def entries(commit: str, name: str) -> str:
    """Return what CHANGELOG.md at a commit says about a version or "Unreleased"; "" if nothing."""
    heading = rf"^## \[{name}\](?:(?<=Unreleased\])| - \d{{4}}-\d\d-\d\d)\n"
    text = repository.read(commit, "CHANGELOG.md")
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def _files(version: Version) -> list[str]:
    """Return what is wrong with the files at HEAD."""
    found = []
    package = "src/twilio_build_wait/__init__.py"
    if f'__version__ = "{version}"' not in repository.read("HEAD", package).splitlines():
        found.append(f"{package} has another version than {version}. Set it there.")
    if not entries("HEAD", str(version)):
        found.append(f"CHANGELOG.md has no entry for {version}. Add `## [{version}] - YYYY-MM-DD`.")
    if entries("HEAD", "Unreleased"):
        found.append(f"CHANGELOG.md has entries under Unreleased. Move them to {version}.")
    repository.pin(repository.read("HEAD", repository.ACTION_FILE), f"a/b@sha256:{64 * '0'}")
    return found


def _upgrade(version: Version) -> list[str]:
    """Return why `version` cannot follow the newest release."""
    newest = max(repository.releases(), default=None)
    if newest is None:
        return []
    if newest > version:
        return [f"{newest} has been released. Choose a higher version."]
    gone = _interface(repository.commit(newest)) - _interface("HEAD")
    return [
        f"{part} was in {newest} and is gone. Restore it, or release a new major version."
        for part in sorted(gone)
        if version.major == newest.major
    ]


def _interface(commit: str) -> set[str]:
    """Return the inputs and outputs in action.yml, and the exit codes in the README's table."""
    action = yaml.safe_load(repository.read(commit, repository.ACTION_FILE))
    found = {f"The {kind[:-1]} `{name}`" for kind in ("inputs", "outputs") for name in action[kind]}
    for line in repository.read(commit, "README.md").splitlines():
        # A row with a cell of exit codes and an outcome in backticks, in either order.
        codes = re.search(r"\|[ `]*(\d+[\d, `]*)\|", line)
        outcome = re.search(r"\| *(`[a-z-]+`) *\|", line)
        if codes and outcome:
            found |= {f"Exit code {code} for {outcome[1]}" for code in re.findall(r"\d+", codes[1])}
    return found
