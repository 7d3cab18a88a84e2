"""The command line: `python -m tools.release STEP ARGUMENTS`. Every step can run again.

Standard output has the results as NAME=VALUE, for $GITHUB_OUTPUT. Problems go to standard error.
"""

import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tools.release import ReleaseError, check, owner, parse_version, repository, trial


def set_owner(account: str) -> None:
    """Write the account that publishes into every file that names it."""
    for file, text in owner.renamed(Path.cwd(), account).items():
        file.write_bytes(text.encode())
        print(file)


def check_head(version: str, account: str, ref: str) -> None:
    """Check that HEAD can be released from the branch `ref` of the account's repository."""
    print(f"image={owner.IMAGE}\nreference={check.check(parse_version(version), account, ref)}")


def tag(version: str, reference: str) -> None:
    """Push the release commit with its tag and its branch."""
    print(f"commit={repository.tag(parse_version(version), reference)}")


def notes(version: str) -> None:
    """Print the text of the release's page."""
    commit = repository.commit(parse_version(version))
    print(
        f"{check.entries(commit, version)}\n\n### Pin it\n\n"
        f"```yaml\n- uses: {owner.ACTION}@{commit} # v{version}\n```\n\n"
        f"This pins the image too: `{repository.image(parse_version(version))}`"
    )


def major(version: str) -> None:
    """Move `vX` to the release, and say which tags its image gets."""
    parsed = parse_version(version)
    tags = f"{version} {parsed.major}" if repository.move_major(parsed) else version
    print(f"image={owner.IMAGE}\nreference={repository.image(parsed)}\ntags={tags}")


STEPS: dict[str, Callable[..., None]] = {
    "owner": set_owner,
    "check": check_head,
    "try": trial.run,
    "tag": tag,
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
        prefix = "::error title=Release refused::" if "GITHUB_ACTIONS" in os.environ else ""
        print(prefix + str(error).replace("\n", "\n" + prefix), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
