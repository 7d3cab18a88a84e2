"""The container's figures in docs/performance.md still hold, with generous bounds."""

from bench import container, store
from bench.programs import build_sids
from emulator.server import Emulator, Options

#: How many times as much as stored is let pass: whatever doubles is seen.
GENEROUS = 1.9
ROUNDS = 5


def test_the_image_adds_no_more_to_its_base(image: str, base_image: str) -> None:
    added = container.size(image) - container.size(base_image)
    assert 0.5 < added < GENEROUS * store.load("container")["added"]


def test_a_container_of_it_starts_about_as_fast_as_the_bare_base(
    image: str, base_image: str
) -> None:
    with Emulator(Options(default="completed:0s")) as emulator:
        sids = build_sids()
        rounds = [
            container.one_round(base_image, image, emulator.url, next(sids)) for _ in range(ROUNDS)
        ]
    bare, tool = (min(took[name] for took in rounds) for name in (container.BARE, container.TOOL))
    then = store.load("container")["containers"][container.TOOL]["wall"]["median"]
    assert tool / bare < GENEROUS * then
