import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.release_project import ACTION, REFERENCE
from tools.release.action_file import pin, pinned
from tools.release.problems import ReleaseError


def test_only_the_image_line_changes() -> None:
    before, after = ACTION.split("\n"), pin(ACTION, REFERENCE).split("\n")
    assert len(before) == len(after)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [("  image: Dockerfile", f"  image: docker://{REFERENCE}")]


def test_what_was_pinned_can_be_read_back() -> None:
    assert pinned(pin(ACTION, REFERENCE)) == REFERENCE


def test_a_pinned_file_is_not_pinned_again() -> None:
    with pytest.raises(ReleaseError, match="pinned already"):
        pin(pin(ACTION, REFERENCE), REFERENCE)


def test_an_unpinned_file_names_no_image() -> None:
    with pytest.raises(ReleaseError, match="does not name an image by digest"):
        pinned(ACTION)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "  image: ./Dockerfile",
        "  image: dockerfile",
        "  image: 'Dockerfile'",
        "  image: Dockerfile # comment",
        "  image: Dockerfile ",
        "  image: Dockerfile\r",
        "  image:  Dockerfile",
        "   image: Dockerfile",
        "image: Dockerfile",
        "  image: docker://ghcr.io/acme/twilio-build-wait:1",
        "  image: Dockerfile\n  image: Dockerfile",
        "  image: Dockerfile\n  'image': other",
        "  image: Dockerfile\n  image : other",
        "  {image: Dockerfile}",
        "  pre: x\nmore:\n  image: Dockerfile",
    ],
)
def test_anything_but_one_plain_line_is_refused(line: str) -> None:
    text = ACTION.replace("  image: Dockerfile", line)
    assert text != ACTION
    with pytest.raises(ReleaseError, match=r"action\.yml"):
        pin(text, REFERENCE)


def test_an_image_in_a_description_is_not_taken_for_the_one_that_runs() -> None:
    text = "description: |\n  image: Dockerfile\nruns: {using: docker}\n"
    with pytest.raises(ReleaseError, match="does not stand below"):
        pin(text, REFERENCE)


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "ghcr.io/acme/twilio-build-wait",
        "ghcr.io/acme/twilio-build-wait:1.0.0",
        f"ghcr.io/acme/twilio-build-wait:1.0.0@sha256:{'a' * 64}",
        f"ghcr.io/Acme/twilio-build-wait@sha256:{'a' * 64}",
        f"ghcr.io/acme/twilio-build-wait@sha256:{'A' * 64}",
        f"ghcr.io/acme/twilio-build-wait@sha256:{'a' * 63}",
        f"ghcr.io/acme/twilio-build-wait@sha256:{'a' * 65}",
        f"ghcr.io/acme/twilio-build-wait@sha512:{'a' * 64}",
        f"twilio-build-wait@sha256:{'a' * 64}",
        f"docker://ghcr.io/acme/twilio-build-wait@sha256:{'a' * 64}",
        f" ghcr.io/acme/twilio-build-wait@sha256:{'a' * 64}",
        f"ghcr.io/acme/twilio-build-wait@sha256:{'a' * 64}\n",
        f"ghcr.io/acme/../twilio-build-wait@sha256:{'a' * 64}",
    ],
)
def test_a_reference_that_does_not_fix_the_image_is_refused(reference: str) -> None:
    with pytest.raises(ReleaseError, match="does not fix an image"):
        pin(ACTION, reference)


@pytest.mark.parametrize("host", ["ghcr.io", "127.0.0.1:5000", "registry.example-1.com"])
def test_any_registry_can_hold_the_image(host: str) -> None:
    reference = f"{host}/a-b/c.d__e@sha256:{'0' * 64}"
    assert pinned(pin(ACTION, reference)) == reference


LINES = [
    "runs:",
    "  image: Dockerfile",
    "  using: docker",
    "inputs:",
    "",
    "# image: x",
    "  image: x",
]


@given(st.lists(st.sampled_from(LINES), max_size=8).map("\n".join))
def test_whatever_the_file_either_one_line_changes_or_it_is_refused(text: str) -> None:
    try:
        after = pin(text, REFERENCE)
    except ReleaseError:
        return
    assert after.replace(f"  image: docker://{REFERENCE}", "  image: Dockerfile") == text
    assert pinned(after) == REFERENCE
