"""The tags of releases, made and read with git alone.

A release is a commit off the main branch: its one parent is the commit that was tested and built,
and it differs from that in action.yml alone, which names the image by digest. `vX.Y.Z` is put on it
once and never moved; `vX` follows the newest release of its major version.

Every step looks at the remote first and does only what is missing, so that a release that broke
off can be started again. The commit is made from nothing but its parent and the image, its date
included: made twice, it is the same commit.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.release import action_file
from tools.release.problems import ReleaseError
from tools.release.versions import Version

# The account under which GitHub shows what a workflow did, with its number and e-mail address.
_NAME = "github-actions[bot]"
_EMAIL = "41898282+github-actions[bot]@users.noreply.github.com"

_REF = re.compile(r"(?P<object>[0-9a-f]{40,64})\trefs/tags/(?P<name>v\S+?)(?P<peeled>\^\{\})?")


@dataclass(frozen=True)
class Release:
    """A release that is tagged: `commit` and `parent` are object names, `reference` the image."""

    version: Version
    commit: str
    parent: str
    reference: str


class Tags:
    """The release tags of one remote, seen from a full clone of it whose HEAD is to be released."""

    def __init__(self, clone: Path, remote: str = "origin") -> None:
        self._clone = clone
        self._remote = remote
        if self._git("rev-parse", "--is-shallow-repository").strip() != "false":
            raise ReleaseError(
                "This clone is shallow, so it cannot be told what was released from where: check"
                " the repository out with its whole history."
            )

    def head(self) -> str:
        """Return the object name of the commit that is to be released."""
        return self._git("rev-parse", "HEAD^{commit}").strip()

    def head_epoch(self) -> int:
        """Return when HEAD was committed, in seconds since 1970: SOURCE_DATE_EPOCH for builds."""
        return int(self._git("show", "--no-patch", "--format=%ct", "HEAD"))

    def read(self, commit: str, path: str) -> str:
        """Return a file's text as it is in a commit, line ends untouched."""
        return self._git("cat-file", "blob", f"{commit}:{path}")

    def released(self) -> list[Version]:
        """Return every version that has its tag on the remote, oldest first."""
        return sorted(
            Version.parse(name[1:])
            for name in self._remote_tags()
            if re.fullmatch(r"v[0-9]+\.[0-9]+\.[0-9]+", name)
        )

    def find(self, version: Version) -> Release | None:
        """Return the release of that version, or None if its tag does not exist on the remote.

        ReleaseError if the tag exists on something that these scripts would not have made.
        """
        if version.tag not in self._remote_tags():
            return None
        self._git("fetch", "--quiet", "--no-tags", self._remote, f"refs/tags/{version.tag}")
        commit = self._git("rev-parse", "FETCH_HEAD^{commit}").strip()
        taken = f"The tag {version.tag} exists, and is not a release: "
        then = " Nothing was changed. Release under another version."
        _, *parents = self._git("rev-list", "--parents", "--max-count=1", commit).split()
        if len(parents) != 1 or not self._is_ancestor(parents[0], self.head()):
            raise ReleaseError(f"{taken}it does not stand one commit off this branch.{then}")
        changed = self._git("diff-tree", "-r", "--name-only", "-z", parents[0], commit)
        if changed != f"{action_file.NAME}\0":
            raise ReleaseError(f"{taken}its commit changes more than {action_file.NAME}.{then}")
        text = self.read(commit, action_file.NAME)
        try:
            reference = action_file.pinned(text)
            expected = action_file.pin(self.read(parents[0], action_file.NAME), reference)
        except ReleaseError as error:
            raise ReleaseError(*(f"{taken}{problem}{then}" for problem in error.problems)) from None
        if text != expected:
            raise ReleaseError(
                f"{taken}its {action_file.NAME} differs from its parent's in more than the"
                f" image.{then}"
            )
        return Release(version, commit, parents[0], reference)

    def tag(self, version: Version, reference: str) -> Release:
        """Make the release commit off HEAD and push its tag, unless that was done already.

        ReleaseError if the tag exists and is not this release with this image.
        """
        release = self.find(version)
        if release is None:
            commit = self._commit(version, reference)
            self._git("push", "--quiet", self._remote, f"{commit}:refs/tags/{version.tag}")
            release = Release(version, commit, self.head(), reference)
        if release.reference != reference:
            raise ReleaseError(
                f"{version.tag} is released with {release.reference}, not with {reference}, and a"
                " release is never changed: release under another version."
            )
        return release

    def move_major(self, version: Version) -> bool:
        """Put `vX` on this release and return True; or False where a newer one of X has it.

        ReleaseError if this version has no release.
        """
        release = self.find(version)
        if release is None:
            raise ReleaseError(f"{version.tag} is not released, so {version.major_tag} stays.")
        if version != max(v for v in self.released() if v.major == version.major):
            return False
        ref = f"refs/tags/{version.major_tag}"
        current = self._remote_tags(peel=False).get(version.major_tag, "")
        # The lease makes the push fail if someone else has moved the tag since the look at it.
        lease = f"--force-with-lease={ref}:{current}"
        self._git("push", "--quiet", lease, self._remote, f"{release.commit}:{ref}")
        return True

    def _commit(self, version: Version, reference: str) -> str:
        head = self.head()
        text = action_file.pin(self.read(head, action_file.NAME), reference)
        blob = self._git("hash-object", "-w", "--stdin", text=text).strip()
        # HEAD's tree with this one entry replaced; the index and the work tree are not touched.
        entry = self._git("ls-tree", "-z", head, action_file.NAME)
        pinned = entry.replace(entry.split()[2], blob)
        entries = self._git("ls-tree", "-z", head).replace(entry, pinned)
        tree = self._git("mktree", "-z", text=entries).strip()
        message = (
            f"Release {version}\n\n"
            f"action.yml runs the image that was built from {head}:\n{reference}\n"
        )
        return self._git("commit-tree", tree, "-p", head, text=message, dated=True).strip()

    def _is_ancestor(self, commit: str, descendant: str) -> bool:
        found = self._run("merge-base", "--is-ancestor", commit, descendant)
        return found.returncode == 0

    def _remote_tags(self, *, peel: bool = True) -> dict[str, str]:
        """Map every tag on the remote to its commit, or with `peel` off to what the ref holds."""
        found: dict[str, str] = {}
        for line in self._git("ls-remote", "--tags", self._remote).splitlines():
            match = _REF.fullmatch(line)
            # A tag object's own line comes first, and the commit that it names right after it.
            if match and (peel or not match["peeled"]):
                found[match["name"]] = match["object"]
        return found

    def _git(self, *arguments: str, text: str = "", dated: bool = False) -> str:
        done = self._run(*arguments, text=text, dated=dated)
        if done.returncode != 0:
            raise ReleaseError(
                f"`git {' '.join(arguments)}` failed with exit code {done.returncode}:"
                f" {done.stderr.decode(errors='replace').strip()}"
            )
        return done.stdout.decode()

    def _run(
        self, *arguments: str, text: str = "", dated: bool = False
    ) -> "subprocess.CompletedProcess[bytes]":
        environment = dict(os.environ)
        if dated:
            for role in ("AUTHOR", "COMMITTER"):
                environment[f"GIT_{role}_NAME"] = _NAME
                environment[f"GIT_{role}_EMAIL"] = _EMAIL
                environment[f"GIT_{role}_DATE"] = f"@{self.head_epoch()} +0000"
        # Bytes, not text: Python would turn every kind of line end in a file into \n.
        return subprocess.run(
            ["git", *arguments],
            cwd=self._clone,
            env=environment,
            input=text.encode(),
            capture_output=True,
            check=False,
        )
