"""A small project with a bare remote, to release from."""

import subprocess
from pathlib import Path

from tools.release.owner import IMAGE

ROOT = Path(__file__).resolve().parents[2]
ACTION_FILE = (ROOT / "action.yml").read_text("utf-8")
# Names of images are lower case, which the placeholder of the owner is not. One row has two codes.
README = (ROOT / "README.md").read_text("utf-8").replace(IMAGE, IMAGE.lower())
README = README.replace("| 130 | `cancelled` | SIGINT |\n| 143 ", "| 130, 143 ")
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [{}] - 2026-11-23\n\n### Added\n\n- It waits.\n"


def files(version: str) -> dict[str, str]:
    """Return a tree that can be released as a version."""
    return {
        "action.yml": ACTION_FILE,
        "CHANGELOG.md": CHANGELOG.format(version),
        "README.md": README,
        "src/twilio_build_wait/__init__.py": f'__version__ = "{version}"\n',
        ".github/workflows/ci.yml": "name: CI\n",
        "folder/kept.txt": "kept\r\nas it is\n",
    }


class Project:
    """A clone of a bare repository."""

    def __init__(self, root: Path) -> None:
        self.path, remote = root / "clone", root / "remote.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", remote], check=True)
        subprocess.run(["git", "clone", "-q", remote, self.path], check=True, capture_output=True)
        self.git("checkout", "-q", "-B", "main")
        self.commit(files("1.0.0"))

    def commit(self, changes: dict[str, str]) -> None:
        """Write these files, commit them, and push to main."""
        for name, text in changes.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_bytes(text.encode())
        self.git("add", "--all")
        self.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "A change")
        self.git("push", "-q", "origin", "HEAD:main")

    def git(self, *arguments: str) -> str:
        """Run git in the clone, and return its output."""
        command = ["git", "-C", str(self.path), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def refs(self) -> dict[str, str]:
        """Return the SHA of each ref on the remote, without refs/ before its name."""
        lines = self.git("ls-remote", "origin", "refs/*").splitlines()
        return {ref.removeprefix("refs/"): sha for sha, ref in (line.split("\t") for line in lines)}
