"""The machine that an example's commands run on: a folder, programs on the PATH, variables."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.release import owner

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"
IMAGE = f"{owner.IMAGE}:1"

SH = ("sh", "-c")
SH_E = ("sh", "-ec")
BASH = ("bash", "--noprofile", "--norc", "-c")
BASH_E = ("bash", "--noprofile", "--norc", "-ec")
BASH_EO = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")

# What `buildkite-agent meta-data` does: values of a name, which may not be empty.
BUILDKITE_AGENT = """#!/bin/sh
set -eu
[ "$1" = meta-data ]
case $2 in
  set) [ -n "$4" ]; printf %s "$4" > "$META_DATA/$3" ;;
  get) cat "$META_DATA/$3" ;;
esac
"""


@dataclass(frozen=True)
class Done:
    """One command's end: exit code, and the log with both streams."""

    code: int
    log: str


@dataclass
class Machine:
    """Runs commands in ``folder``, with ``bin`` first on the PATH.

    ``log`` is what all of them have said, ``scripts`` what was run, each after its shell. In the
    tests without Docker `twilio-build-wait` and `docker run` are the real program in a process of
    its own.
    """

    folder: Path
    bin: Path
    variables: dict[str, str]
    log: list[str] = field(default_factory=list)
    scripts: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def prepare(cls, home: Path, variables: Mapping[str, str]) -> "Machine":
        """Make a checkout with the examples' own scripts, and the programs."""
        for needed in ("bash", "curl", "jq"):
            assert shutil.which(needed), f"the examples call {needed}: install it to test them"
        machine = cls(home / "checkout", home / "bin", dict(variables))
        machine.bin.mkdir()
        machine.folder.mkdir()
        (home / "meta-data").mkdir()
        machine.variables["META_DATA"] = str(home / "meta-data")
        python = shlex.quote(sys.executable)
        docker = shlex.quote(str(Path(__file__).with_name("example_docker.py")))
        entrypoint = shlex.quote(str(REPOSITORY / "entrypoint.py"))
        machine.program("twilio-build-wait", f'#!/bin/sh\nexec {python} {entrypoint} "$@"\n')
        machine.program("docker", f'#!/bin/sh\nexec {python} {docker} "$@"\n')
        machine.program("buildkite-agent", BUILDKITE_AGENT)
        machine.check_out(machine.folder)
        return machine

    def program(self, name: str, text: str) -> None:
        """Put a program on the PATH."""
        (self.bin / name).write_text(text, encoding="utf-8")
        (self.bin / name).chmod(0o755)

    @staticmethod
    def check_out(folder: Path) -> None:
        """Put the examples' scripts where a checkout of a user's repository has them."""
        for script in EXAMPLES.glob("*.sh"):
            shutil.copy2(script, folder / script.name)

    def run(
        self,
        script: str,
        env: Mapping[str, str],
        *,
        shell: Sequence[str] = SH_E,
        in_image: bool = False,
    ) -> Done:
        """Run a script with these variables and the machine's own, and no others.

        ``in_image`` says that the CI runs it in a container of the image, whose entrypoint it
        replaces. Here the machine itself is that container.
        """
        self.scripts.append((shell[0], script))
        environment = self._environment(env)
        words = [*shell, script]
        return self._execute(self.container(words, environment) if in_image else words, environment)

    def plugin(self, env: Mapping[str, str]) -> Done:
        """Run the image with its own entrypoint."""
        environment = self._environment(env)
        return self._execute(self.container([], environment), environment)

    def container(self, words: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """What runs the words, or where there are none the entrypoint, in the image."""
        assert environment
        return list(words) or ["twilio-build-wait"]

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        own = {
            "PATH": f"{self.bin}:{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.folder),
            "CI": "true",
        }
        own |= {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        return {**own, **self.variables, **env}

    def _execute(self, words: Sequence[str], environment: Mapping[str, str]) -> Done:
        done = subprocess.run(
            # Looked up here: subprocess would look in this process's own PATH.
            [shutil.which(words[0], path=environment["PATH"]) or words[0], *words[1:]],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=90,
            check=False,
        )
        self.log.append(done.stdout)
        return Done(done.returncode, done.stdout)
