"""The commit, tags and branch of a release, made by git in the current directory.

A release is a commit on top of the one that was tested and built. It changes only action.yml, which
then names the image by digest. The tag `vX.Y.Z` and the branch `releases/vX.Y.Z` never move. The
tag `vX` moves to the newest release of its major version. Each step reads the remote first and does
only what is missing, so it can run again.
"""

import os
import re
import subprocess

from packaging.version import Version

from tools.release import VERSION, ReleaseError

ACTION_FILE = "action.yml"
_LINE = "\n  image: {}\n"
# As in github.com/distribution/reference, but with a registry, a SHA-256 digest, and no tag.
_REFERENCE = (
    r"[a-z0-9]+(?:[.-][a-z0-9]+)*(?::[0-9]{1,5})?"
    r"(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)+@sha256:[0-9a-f]{64}"
)
# The remote's tags, apart from those that only this clone has.
_TAGS = "refs/remote-tags"
# The account under which GitHub shows what a workflow did.
_IDENTITY = (
    *("-c", "user.name=github-actions[bot]"),
    *("-c", "user.email=41898282+github-actions[bot]@users.noreply.github.com"),
)


def pin(text: str, reference: str) -> str:
    """Return action.yml with `image: docker://{reference}` in place of `image: Dockerfile`.

    ReleaseError if `reference` has no digest, or unless there is one such line.
    """
    if not re.fullmatch(_REFERENCE, reference):
        raise ReleaseError(f"{reference!r} is not an image as registry/owner/name@sha256:….")
    old, new = _LINE.format("Dockerfile"), _LINE.format(f"docker://{reference}")
    if len(re.findall(r"^\W*image\W*:", text, re.MULTILINE)) != 1 or old not in text:
        raise ReleaseError(f"{ACTION_FILE} must have one line `  image: Dockerfile`. Restore it.")
    return text.replace(old, new)


def read(commit: str, path: str) -> str:
    """Return a file's text at a commit."""
    return _git("cat-file", "blob", f"{commit}:{path}")


def releases() -> list[Version]:
    """Return the versions that have a tag on the remote. Tags of any other form are skipped."""
    _git("fetch", "--quiet", "--prune", "--no-tags", "origin", f"+refs/tags/*:{_TAGS}/*")
    names = _git("for-each-ref", "--format=%(refname:lstrip=2)", _TAGS).split()
    return [Version(name) for name in names if re.fullmatch(f"v{VERSION}", name)]


def commit(version: Version) -> str:
    """Return the SHA of a release's commit. ReleaseError if the version has not been released."""
    if version not in releases():
        raise ReleaseError(f"v{version} has not been released. Run the step `tag` first.")
    return _git("rev-parse", f"{_TAGS}/v{version}^{{commit}}").strip()


def image(version: Version) -> str:
    """Return the image of a release, or "" if the version has no tag on the remote.

    ReleaseError if the tag exists, but not on a release commit.
    """
    if version not in releases():
        return ""
    sha = commit(version)
    pinned = re.search(_LINE.format(f"docker://({_REFERENCE})"), read(sha, ACTION_FILE))
    tree = _git("rev-parse", f"{sha}^{{tree}}").strip()
    if pinned is None or tree != _tree(f"{sha}^", pinned[1]):
        raise ReleaseError(
            f"The tag v{version} exists, but not on a release commit. Release another version."
        )
    return pinned[1]


def workflow_problems() -> list[str]:
    """Return why GitHub would refuse a tag on HEAD, if it would.

    A workflow may push only commits whose workflow files are on a branch already:
    https://github.com/actions/checkout/issues/1421
    """
    _git("fetch", "--quiet", "--no-tags", "origin", "refs/heads/main")
    changed = _git("diff", "--name-only", "HEAD", "FETCH_HEAD", "--", ".github/workflows").split()
    return [
        f"{name} has changed on main, so GitHub would refuse a tag on this commit. Start a new run"
        " of the release from the newest commit."
        for name in changed
    ]


def tag(version: Version, reference: str) -> str:
    """Push the release commit with its tag and its branch, and return the commit's SHA.

    ReleaseError if the tag exists with another image, or if GitHub would refuse the push.
    """
    released = image(version)
    if released and released != reference:
        raise ReleaseError(
            f"v{version} has been released with another image, {released}. Release another version."
        )
    if not released and (problems := workflow_problems()):
        raise ReleaseError("\n".join(problems))
    sha = commit(version) if released else _commit(version, reference)
    # Both or none: GitHub warns about a commit that is on no branch.
    refs = (f"{sha}:refs/tags/v{version}", f"{sha}:refs/heads/releases/v{version}")
    _git("push", "--quiet", "--atomic", "origin", *refs)
    return sha


def move_major(version: Version) -> bool:
    """Move `vX` to this release and return True; return False if X has a newer release."""
    sha = commit(version)
    newest = version == max(other for other in releases() if other.major == version.major)
    if newest:
        _git("push", "--quiet", "--force", "origin", f"{sha}:refs/tags/v{version.major}")
    return newest


def _commit(version: Version, reference: str) -> str:
    message = f"Release {version}\n\naction.yml runs the image that was built from the parent.\n"
    # The date of HEAD: made again, the commit has the same SHA.
    date = _git("show", "--no-patch", "--format=@%ct +0000", "HEAD").strip()
    command = (*_IDENTITY, "commit-tree", _tree("HEAD", reference), "-p", "HEAD")
    return _git(*command, text=message, date=date).strip()


def _tree(parent: str, reference: str) -> str:
    """Return the tree of a commit with the image pinned. Index and work tree do not change."""
    text = pin(read(parent, ACTION_FILE), reference)
    old = _git("rev-parse", f"{parent}:{ACTION_FILE}").strip()
    new = _git("hash-object", "-w", "--stdin", text=text).strip()
    return _git("mktree", text=_git("ls-tree", parent).replace(old, new)).strip()


def _git(*arguments: str, text: str = "", date: str = "") -> str:
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
    done = subprocess.run(
        ["git", *arguments],
        env=os.environ | dates,
        input=text.encode(),  # text mode would change line ends
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        reason = " ".join(done.stderr.decode(errors="replace").split())
        raise ReleaseError(f"`git {' '.join(arguments)}` failed: {reason}")
    return done.stdout.decode()
