"""The commit, tags and branch of a release, made by git in the current directory.

A release is a commit on top of the one that was tested and built. It changes only action.yml, which
then names the image by digest. The tag `vX.Y.Z` and the branch `releases/vX.Y.Z` never move. The
tag `vX` moves to the newest published release of its major version. Each step reads the remote
first and does only what is missing, so it can run again.
"""

import re
import subprocess
from collections.abc import Collection

from tools.release import VERSION, ReleaseError, Version

ACTION_FILE = "action.yml"
_LINE = "\n  image: {}\n"
_REFERENCE = r"[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}"
# The remote's tags, apart from those that only this clone has.
_TAGS = "refs/remote-tags"
# The account under which GitHub shows what a workflow did.
_EMAIL = "41898282+github-actions[bot]@users.noreply.github.com"
_IDENTITY = ("-c", "user.name=github-actions[bot]", "-c", f"user.email={_EMAIL}")


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


def releases() -> dict[Version, str]:
    """Return the versions that have a tag on the remote, each with the SHA of its commit."""
    _git("fetch", "--quiet", "--prune", "--no-tags", "origin", f"+refs/tags/*:{_TAGS}/*")
    lines = _git("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", _TAGS).splitlines()
    tags = dict(line.split() for line in lines)
    return {Version.parse(tag[1:]): tags[tag] for tag in tags if re.fullmatch(f"v{VERSION}", tag)}


def image(commit: str) -> str:
    """Return the image of a release. ReleaseError if this is not a release's commit."""
    pinned = re.search(_LINE.format(f"docker://({_REFERENCE})"), read(commit, ACTION_FILE))
    if pinned is None:
        raise ReleaseError(f"{commit} has a release's tag and is not one. Release another version.")
    return pinned[1]


def tag(version: str, reference: str) -> None:
    """Push the release commit with its tag and its branch.

    ReleaseError if the tag exists with another image.
    """
    commit = releases().get(Version.parse(version))
    if commit is None:
        command = (*_IDENTITY, "commit-tree", _tree("HEAD", reference), "-p", "HEAD")
        commit = _git(*command, text=f"Release {version}\n").strip()
    elif image(commit) != reference:
        raise ReleaseError(f"v{version} has another image, {image(commit)}. Release the next one.")
    # Both or none: GitHub warns about a commit that is on no branch.
    refs = (f"{commit}:refs/tags/v{version}", f"{commit}:refs/heads/releases/v{version}")
    _git("push", "--quiet", "--atomic", "origin", *refs)


def move_major(version: Version, published: Collection[str]) -> Version:
    """Move `vX`, where X is the version's, to the newest release of X, and return that.

    `published` are the tags with a release on GitHub that is neither a draft nor a pre-release: a
    bad release is marked as one. ReleaseError if the version is not among them.
    """
    if f"v{version}" not in published:
        raise ReleaseError(f"v{version} is a draft or a pre-release. Publish it, then start again.")
    commits = releases()
    newest = max(v for v in commits if v.major == version.major and f"v{v}" in published)
    name = f"v{version.major}"
    before = _git("for-each-ref", "--format=%(objectname)", f"{_TAGS}/{name}").strip()
    # It fails if another run has moved the tag since.
    lease = f"--force-with-lease=refs/tags/{name}:{before}"
    _git("push", "--quiet", lease, "origin", f"{commits[newest]}:refs/tags/{name}")
    return newest


def _tree(parent: str, reference: str) -> str:
    """Return the tree of a commit with the image pinned. Index and work tree do not change."""
    text = pin(read(parent, ACTION_FILE), reference)
    old = _git("rev-parse", f"{parent}:{ACTION_FILE}").strip()
    new = _git("hash-object", "-w", "--stdin", text=text).strip()
    return _git("mktree", text=_git("ls-tree", parent).replace(old, new)).strip()


def _git(*arguments: str, text: str = "") -> str:
    command = ["git", *arguments]
    # As bytes: text mode would change line ends.
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if done.returncode != 0:
        reason = " ".join(done.stderr.decode(errors="replace").split())
        raise ReleaseError(f"`git {' '.join(arguments)}` failed: {reason}")
    return done.stdout.decode()
