"""The command line: `python -m tools.release STEP ARGUMENTS`. Every step can run again.

Standard output has the results. Problems and warnings go to standard error.
"""

import inspect
import os
import sys
from collections.abc import Callable

from tools.release import ReleaseError, Version, check, owner, repository, trial


def notes(version: str) -> None:
    """Print the text of the release's page."""
    commit = repository.releases()[Version.parse(version)]
    print(
        f"{check.entries(commit, version)}\n\n### Pin it\n\n"
        f"```yaml\n- uses: {owner.ACTION}@{commit} # v{version}\n```\n\n"
        f"This pins the image too, for linux/amd64 and linux/arm64: `{repository.image(commit)}`"
    )


def major(version: str, published: str) -> None:
    """Move `vX` to the newest of the published tags, and print each image tag with its image."""
    newest = repository.move_major(Version.parse(version), published.split())
    if str(newest) != version:
        _annotate("warning", f"v{newest.major} is {newest}", f"It is newer than {version}.")
    commits = repository.releases()
    print(f"{owner.IMAGE}:{version} {repository.image(commits[Version.parse(version)])}")
    print(f"{owner.IMAGE}:{newest.major} {repository.image(commits[newest])}")


STEPS: dict[str, Callable[..., None]] = {
    "owner": owner.rename,
    "check": check.check,
    "try": trial.run,
    "tag": repository.tag,
    "notes": notes,
    "major": major,
}


def main(name: str = "", *arguments: str) -> int:
    """Run one step. Return 0, 1 after printing why the release must stop, or 2 after the usage."""
    step = STEPS.get(name)
    if step is None or len(inspect.signature(step).parameters) != len(arguments):
        for other, function in STEPS.items():
            print(other, *inspect.signature(function).parameters, "-", function.__doc__)
        return 2
    try:
        step(*arguments)
    except ReleaseError as error:
        for problem in str(error).splitlines():
            _annotate("error", "Release refused", problem)
        return 1
    return 0


def _annotate(level: str, title: str, text: str) -> None:
    prefix = f"::{level} title={title}::" if "GITHUB_ACTIONS" in os.environ else f"{title}: "
    print(prefix + text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
