import os
from pathlib import Path

import pytest

from tests.unit.release_project import ACTION, OTHER_REFERENCE, REFERENCE, Project
from tools.release.action_file import pin
from tools.release.problems import ReleaseError
from tools.release.tags import Tags
from tools.release.versions import Version

V100, V101, V110, V200 = (
    Version(1, 0, 0),
    Version(1, 0, 1),
    Version(1, 1, 0),
    Version(2, 0, 0),
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_release_is_one_commit_off_main_that_changes_the_image_alone(project: Project) -> None:
    head = project.git("rev-parse", "HEAD")
    release = Tags(project.path).tag(V100, REFERENCE)
    assert project.on_remote("refs/tags/v1.0.0") == release.commit
    project.git("fetch", "--quiet", "--tags")
    assert project.git("rev-parse", "v1.0.0^@") == head
    assert project.git("diff", "--name-only", head, "v1.0.0") == "action.yml"
    assert project.git("diff", "--numstat", head, "v1.0.0") == "1\t1\taction.yml"
    assert project.git("show", "v1.0.0:action.yml") + "\n" == pin(ACTION, REFERENCE)


def test_main_the_index_and_the_work_tree_stay_as_they_were(project: Project) -> None:
    head = project.git("rev-parse", "HEAD")
    Tags(project.path).tag(V100, REFERENCE)
    assert project.on_remote("refs/heads/main") == head == project.git("rev-parse", "HEAD")
    assert project.git("status", "--porcelain") == ""


def test_nothing_is_released_before(project: Project) -> None:
    tags = Tags(project.path)
    assert tags.released() == []
    assert tags.find(V100) is None


def test_tagging_again_changes_nothing(project: Project) -> None:
    first = Tags(project.path).tag(V100, REFERENCE)
    assert Tags(project.path).tag(V100, REFERENCE) == first == Tags(project.path).find(V100)


def test_a_commit_made_before_the_push_failed_is_made_the_same_again(project: Project) -> None:
    hook = project.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(ReleaseError, match="push"):
        Tags(project.path).tag(V100, REFERENCE)
    made = project.git("fsck", "--unreachable", "--no-reflogs").split()
    hook.unlink()
    assert Tags(project.path).tag(V100, REFERENCE).commit in made


def test_a_release_broken_off_is_found_after_main_has_gone_on(project: Project) -> None:
    release = Tags(project.path).tag(V100, REFERENCE)
    project.commit({"other/new.txt": "later"})
    assert Tags(project.path).find(V100) == release
    assert Tags(project.path).tag(V100, REFERENCE) == release


def test_a_released_version_cannot_get_another_image(project: Project) -> None:
    Tags(project.path).tag(V100, REFERENCE)
    with pytest.raises(ReleaseError, match="a release is never changed"):
        Tags(project.path).tag(V100, OTHER_REFERENCE)
    found = Tags(project.path).find(V100)
    assert found is not None
    assert found.reference == REFERENCE


def test_a_tag_on_main_itself_is_refused(project: Project) -> None:
    project.git("push", "--quiet", "origin", "HEAD:refs/tags/v1.0.0")
    with pytest.raises(ReleaseError, match="not a release: it does not stand one commit off"):
        Tags(project.path).tag(V100, REFERENCE)


def test_a_tag_on_a_commit_that_changes_more_is_refused(project: Project) -> None:
    project.git("checkout", "--quiet", "-b", "side")
    project.commit({"action.yml": pin(ACTION, REFERENCE), "other/kept.txt": "changed"})
    project.git("push", "--quiet", "origin", "HEAD:refs/tags/v1.0.0")
    project.git("checkout", "--quiet", "main")
    with pytest.raises(ReleaseError, match=r"changes more than action\.yml"):
        Tags(project.path).find(V100)


def test_a_tag_on_an_action_changed_beyond_its_image_is_refused(project: Project) -> None:
    project.git("checkout", "--quiet", "-b", "side")
    project.commit({"action.yml": pin(ACTION, REFERENCE) + "# and more\n"})
    project.git("push", "--quiet", "origin", "HEAD:refs/tags/v1.0.0")
    project.git("checkout", "--quiet", "main")
    with pytest.raises(ReleaseError, match="differs from its parent's in more"):
        Tags(project.path).find(V100)


def test_a_tag_on_an_unpinned_action_is_refused(project: Project) -> None:
    project.git("checkout", "--quiet", "-b", "side")
    project.commit({"action.yml": ACTION.replace("Dockerfile", "docker://example/a:1")})
    project.git("push", "--quiet", "origin", "HEAD:refs/tags/v1.0.0")
    project.git("checkout", "--quiet", "main")
    with pytest.raises(ReleaseError, match="does not name an image by digest"):
        Tags(project.path).find(V100)


def test_a_tag_beside_an_unrelated_history_is_refused(project: Project) -> None:
    project.git("checkout", "--quiet", "--orphan", "stranger")
    project.commit({"other/kept.txt": "another history"})
    project.commit({"action.yml": pin(ACTION, REFERENCE)})
    project.git("push", "--quiet", "origin", "HEAD:refs/tags/v1.0.0")
    project.git("checkout", "--quiet", "main")
    with pytest.raises(ReleaseError, match="does not stand one commit off"):
        Tags(project.path).find(V100)


def test_an_annotated_tag_of_a_release_is_read_as_its_commit(project: Project) -> None:
    release = Tags(project.path).tag(V100, REFERENCE)
    project.git("push", "--quiet", "origin", ":refs/tags/v1.0.0")
    project.git("tag", "--annotate", "--message", "By hand", "v1.0.0", release.commit)
    project.git("push", "--quiet", "origin", "v1.0.0")
    assert Tags(project.path).find(V100) == release


def test_the_major_tag_follows_the_newest_release(project: Project) -> None:
    tags = Tags(project.path)
    first = tags.tag(V100, REFERENCE)
    assert tags.move_major(V100)
    assert project.on_remote("refs/tags/v1") == first.commit
    project.commit({"other/new.txt": "later"})
    second = tags.tag(V110, OTHER_REFERENCE)
    assert tags.move_major(V110)
    assert project.on_remote("refs/tags/v1") == second.commit
    assert tags.move_major(V110)
    assert project.on_remote("refs/tags/v1") == second.commit


def test_the_major_tag_never_goes_back(project: Project) -> None:
    tags = Tags(project.path)
    tags.tag(V100, REFERENCE)
    project.commit({"other/new.txt": "later"})
    newer = tags.tag(V101, OTHER_REFERENCE)
    tags.move_major(V101)
    assert not tags.move_major(V100)
    assert project.on_remote("refs/tags/v1") == newer.commit


def test_each_major_version_has_its_own_tag(project: Project) -> None:
    tags = Tags(project.path)
    one = tags.tag(V100, REFERENCE)
    two = tags.tag(V200, OTHER_REFERENCE)
    assert tags.move_major(V200)
    assert tags.move_major(V100)
    assert project.on_remote("refs/tags/v1") == one.commit
    assert project.on_remote("refs/tags/v2") == two.commit
    assert tags.released() == [V100, V200]


def test_a_major_tag_moved_by_someone_else_in_the_meantime_is_not_overwritten(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = Tags(project.path)
    tags.tag(V100, REFERENCE)
    tags.move_major(V100)
    elsewhere = project.commit({"other/new.txt": "later"})
    tags.tag(V110, OTHER_REFERENCE)
    # Between the look at the remote and the push, another run has its say.
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text(
        f"#!/bin/sh\nPATH='{os.environ['PATH']}'\n"
        f"[ push != \"$1\" ] || git -C '{project.remote}' update-ref refs/tags/v1 {elsewhere}\n"
        'exec git "$@"\n'
    )
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{git.parent}:{os.environ['PATH']}")
    with pytest.raises(ReleaseError, match="stale info"):
        tags.move_major(V110)
    assert project.on_remote("refs/tags/v1") == elsewhere


def test_a_version_without_a_release_moves_nothing(project: Project) -> None:
    with pytest.raises(ReleaseError, match=r"v1\.0\.0 is not released"):
        Tags(project.path).move_major(V100)


def test_a_shallow_clone_is_refused(project: Project, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    project.git("clone", "--quiet", "--depth=1", project.remote.as_uri(), str(shallow))
    project.commit({"other/new.txt": "a second commit"})
    with pytest.raises(ReleaseError, match="shallow"):
        Tags(shallow)


def test_other_tags_are_no_releases(project: Project) -> None:
    for name in ("v1", "v1.0", "v1.0.0-rc.1", "1.0.0", "version"):
        project.git("push", "--quiet", "origin", f"HEAD:refs/tags/{name}")
    assert Tags(project.path).released() == []


def test_the_build_date_is_the_commits(project: Project) -> None:
    assert str(Tags(project.path).head_epoch()) == project.git("log", "-1", "--format=%ct")
