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


def test_a_container_of_it_takes_little_longer_than_one_that_only_imports(
    image: str, base_image: str
) -> None:
    # Not over the bare base, as the page has it: on a busy machine that ratio alone doubles.
    with Emulator(Options(default="completed:0s")) as emulator:
        sids = build_sids()
        rounds = [
            container.one_round(base_image, image, emulator.url, next(sids)) for _ in range(ROUNDS)
        ]
    names = (container.TOOL, container.IMPORTED)
    tool, imported = (min(took[name] for took in rounds) for name in names)
    stored = store.load("container")["containers"]
    then, without = (min(stored[name]["rounds"]) for name in names)
    assert tool / imported < GENEROUS * then / without
