"""Whether the commit that is checked out can be released as a version."""

import re

from tools.release import ReleaseError, Version, owner, repository


def check(version: str, account: str, ref: str) -> None:
    """Print `reference=` and the version's image if its tag exists, or nothing if it can be made.

    `account` owns the repository, and `ref` is the full name of the branch. ReleaseError lists
    every problem.
    """
    parsed = Version.parse(version)
    commit = repository.releases().get(parsed)
    problems = [] if ref == "refs/heads/main" else [f"{ref} is not main. Start the release there."]
    if commit is None:
        problems += [*_files(version, account), *_order(parsed)]
    if problems:
        raise ReleaseError("\n".join(problems))
    print(f"reference={repository.image(commit) if commit else ''}")


def entries(commit: str, name: str) -> str:
    """Return what CHANGELOG.md at a commit says about a version or "Unreleased"; "" if nothing."""
    heading = rf"^## \[{name}\](?:(?<=Unreleased\])| - \d{{4}}-\d\d-\d\d)\n"
    text = repository.read(commit, "CHANGELOG.md")
    section = re.search(rf"{heading}(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return section[1].strip() if section else ""


def _files(version: str, account: str) -> list[str]:
    """Return what is wrong with the files at HEAD."""
    problems = []
    package = "src/twilio_build_wait/__init__.py"
    if f'__version__ = "{version}"' not in repository.read("HEAD", package).splitlines():
        problems.append(f"{package} has another version than {version}. Set it there.")
    if not entries("HEAD", version):
        problems.append(f"CHANGELOG.md has no entry `## [{version}] - YYYY-MM-DD`. Add it.")
    if entries("HEAD", "Unreleased"):
        problems.append(f"CHANGELOG.md has entries under Unreleased. Move them to {version}.")
    dockerfile = repository.read("HEAD", "Dockerfile")
    if not re.search(r"^FROM \S+@sha256:[0-9a-f]{64} AS base$", dockerfile, re.MULTILINE):
        problems.append("The Dockerfile's base has no digest. Add it as docs/releasing.md says.")
    if account != owner.OWNER:
        problems.append(
            f"The files name another account than {account}. Run `python -m tools.release owner"
            f" {account} CODE_OWNER`, and commit the result."
        )
    repository.pin(repository.read("HEAD", repository.ACTION_FILE), f"a/b@sha256:{64 * '0'}")
    return problems


def _order(version: Version) -> list[str]:
    """Return why `version` cannot follow the newest release."""
    releases = repository.releases()
    newest = max(releases, default=Version(0, 0, 0))
    patch = newest._replace(patch=newest.patch + 1)
    minor, major = Version(newest.major, newest.minor + 1, 0), Version(newest.major + 1, 0, 0)
    if version not in {patch, minor, major}:
        last = f"The newest release is {newest}" if releases else "There is no release yet"
        return [f"{last}: {version} cannot follow. Choose {patch}, {minor} or {major}."]
    if not releases or version == major:
        return []
    gone = _interface(releases[newest]) - _interface("HEAD")
    return [f"{part} was in {newest} and is gone. Restore it, or release {major}." for part in gone]


def _interface(commit: str) -> set[str]:
    """Return the inputs and outputs that action.yml declares at a commit."""
    declared, section = set(), ""
    for line in repository.read(commit, repository.ACTION_FILE).splitlines():
        if heading := re.fullmatch(r"(\w+)s:", line):
            section = heading[1]
        elif section in {"input", "output"} and (name := re.fullmatch(r"  ([\w-]+):", line)):
            declared.add(f"The {section} `{name[1]}`")
    return declared
