"""The log, line by line: what it says when, and what it makes of foreign text."""

import errno
import os
import select
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from hypothesis import given

from tests.integration import runner_model
from tests.unit import hostile
from tests.unit.samples import TOKEN
from twilio_build_wait.outcome import Level, Progress
from twilio_build_wait.reporters import console
from twilio_build_wait.reporters.console import Console, standard_output
from twilio_build_wait.reporters.dialects import Azure, GitHub, Plain, TeamCity
from twilio_build_wait.results import Fault, Reading
from twilio_build_wait.text import Redactor

ERASE = "\r\x1b[2K"


class Log:
    """Collects what a console writes, and is the clock that it reads."""

    def __init__(self, dialect: Plain | None = None, *, live: bool = False) -> None:
        self.now = 5000.0
        self.written: list[bytes] = []
        self.failure: OSError | None = None
        self.console = Console(
            self._write, dialect or Plain(), Redactor([TOKEN]), lambda: self.now, live=live
        )

    def _write(self, data: bytes) -> None:
        if self.failure:
            raise self.failure
        self.written.append(data)

    @property
    def text(self) -> str:
        return b"".join(self.written).decode()

    def taken(self) -> str:
        """Return what was written since the last time."""
        taken = self.text
        self.written.clear()
        return taken


def at(elapsed: float, polls: int = 1) -> Progress:
    return Progress(elapsed=elapsed, polls=polls)


BUILDING, COMPLETED = Reading("building"), Reading("completed")


# -- lines -----------------------------------------------------------------------------------------


def test_each_line_is_written_at_once_and_whole() -> None:
    log = Log()
    log.console.line("one")
    log.console.line("é\udcff")
    log.console.command("two\ud800")
    assert log.written == [b"one\n", "é\N{REPLACEMENT CHARACTER}\n".encode(), b"two\\ud800\n"]


def test_lines_are_safe_and_without_credentials() -> None:
    log = Log()
    log.console.line(f"a\nb ::error::{TOKEN}")
    assert log.text == "a b : :error::***\n"


def test_a_command_is_written_as_it_is() -> None:
    log = Log()
    log.console.command(f"::add-mask::{TOKEN}")
    assert log.text == f"::add-mask::{TOKEN}\n"


def test_what_is_shown_of_foreign_text() -> None:
    show = Log().console.show
    assert show(f"a\nb ::error {TOKEN}") == "a b : :error ***"
    assert show(501 * "x") == 499 * "x" + "…"
    # Cut after it is redacted: half a credential would not be known for one.
    assert show(490 * "x" + TOKEN) == 490 * "x" + "***"


def test_credentials_alone_can_be_taken_out() -> None:
    assert Log().console.redact(f"a\n::error::{TOKEN}") == "a\n::error::***"


def test_a_credential_that_a_line_break_hides() -> None:
    hidden = Console(lambda _: None, Plain(), Redactor(["two words"]), lambda: 0.0, live=False)
    assert hidden.show("two\nwords") == "***"


def test_notes_and_warnings_are_the_dialect_s() -> None:
    log = Log(GitHub(debugging=False))
    log.console.note(Level.ERROR, f"Title: {TOKEN}", f"what\nhappened {TOKEN}")
    log.console.warn("Title", "look out")
    assert log.text == (
        "::error title=Title%3A ***::what happened ***\n::warning title=Title::look out\n"
    )


@given(hostile.TEXT)
def test_a_ci_reads_no_command_but_the_console_s_own(foreign: str) -> None:
    for dialect in (GitHub(debugging=True), Azure(), TeamCity()):
        log = Log(dialect)
        log.console.line(f"x {foreign}")
        log.console.reading(at(1), Reading(foreign))
        log.console.fault(at(2), Fault(f"HTTP 503: {foreign}"), 1)
        log.now += 30
        log.console.tick()
        log.console.warn(foreign, foreign)
        own = 1 if foreign in {"building", "completed", "failed"} else 2
        names = {
            "error",
            "warning",
            "debug",
            "task.logissue",
            "message",
        }
        if isinstance(dialect, GitHub):
            found = runner_model.github_commands(log.text)
            own += 2  # debug lines
        elif isinstance(dialect, Azure):
            found = runner_model.azure_commands(log.text)
        else:
            found = runner_model.teamcity_messages(log.text)
        assert len(found) == own
        assert {command.name for command in found} <= names


# -- the wait --------------------------------------------------------------------------------------


def test_there_is_a_line_when_the_status_changes() -> None:
    log = Log()
    for elapsed, status in enumerate(["building", "building", "", "", "building", "completed"]):
        log.console.reading(at(elapsed), Reading(status))
    lines = [line for line in log.text.splitlines() if "Unknown" not in line]
    assert lines == [
        "    0.0s  building",
        "    2.0s  ",
        "    4.0s  building",
        "    5.0s  completed",
    ]


def test_there_is_a_line_for_each_fault() -> None:
    log = Log()
    log.console.fault(at(1.25), Fault("HTTP 503"), 0.5)
    log.console.fault(at(61), Fault(f"HTTP 503 {TOKEN}\n"), 90)
    log.console.fault(at(1234.56), Fault("HTTP 401"), None)
    assert log.text == (
        "    1.2s  HTTP 503; reading again in 500ms\n"
        "   61.0s  HTTP 503 *** ; reading again in 1m30s\n"
        " 1234.6s  HTTP 401\n"
    )


def test_a_debugged_run_has_a_line_for_each_read() -> None:
    log = Log(GitHub(debugging=True))
    log.console.reading(at(0.1234, 1), BUILDING)
    log.console.reading(at(1.5, 2), BUILDING)
    log.console.fault(at(2.5, 3), Fault("HTTP 503"), 1)
    assert log.text == (
        "::debug::read 1 at 0.123 s: status building\n"
        "    0.1s  building\n"
        "::debug::read 2 at 1.500 s: status building\n"
        "::debug::read 3 at 2.500 s: HTTP 503\n"
        "    2.5s  HTTP 503; reading again in 1s\n"
    )


def test_an_unknown_status_is_warned_about_once_and_three_in_all() -> None:
    log = Log()
    for status in ("queued", "queued", "building", "queued", "b", "c", "d", "completed", "b"):
        log.console.reading(at(1), Reading(status))
    warnings = [line for line in log.text.splitlines() if line.startswith("warning")]
    said = "which this version does not know; waiting goes on, for only completed and failed end it"
    assert warnings == [
        f"warning: Unknown build status: Twilio reports the status '{status}', {said}"
        for status in ("queued", "b", "c")
    ]


@pytest.mark.parametrize("status", ["building", "completed", "failed"])
def test_a_known_status_is_not_warned_about(status: str) -> None:
    log = Log()
    log.console.reading(at(1), Reading(status))
    assert log.text == f"    1.0s  {status}\n"


def test_a_status_is_cut_where_it_is_shown() -> None:
    log = Log()
    log.console.reading(at(1), Reading(600 * "s"))
    assert log.text.count(499 * "s" + "…") == 2
    assert 500 * "s" not in log.text


# -- signs of life ---------------------------------------------------------------------------------


def test_fifteen_seconds_without_a_line_are_too_many() -> None:
    log = Log()
    log.console.reading(at(3, 2), BUILDING)
    log.taken()
    log.now += 14.9
    log.console.tick()
    assert log.taken() == ""
    log.now += 0.1
    log.console.tick()
    assert log.taken() == "   18.0s  still waiting: building, 2 reads\n"
    log.now += 14.9
    log.console.tick()
    assert log.taken() == ""
    log.now += 0.1
    log.console.reading(at(33, 30), BUILDING)
    assert log.taken() == "   33.0s  still waiting: building, 30 reads\n"


def test_any_line_is_a_sign_of_life() -> None:
    log = Log()
    log.now += 14
    log.console.command("something")
    log.taken()
    log.now += 14
    log.console.tick()
    assert log.taken() == ""


def test_there_may_be_no_status_yet() -> None:
    log = Log()
    log.console.fault(at(0, 1), Fault("HTTP 503"), 30)
    log.now += 25
    log.taken()
    log.console.tick()
    assert log.taken() == "   25.0s  still waiting: no status yet, 1 read\n"


def test_before_the_first_read_time_counts_from_the_beginning() -> None:
    log = Log()
    log.now += 20
    log.console.tick()
    assert log.taken() == "   20.0s  still waiting: no status yet, 0 reads\n"


def test_a_read_counts_when_it_begins() -> None:
    log = Log()
    log.console.polling(at(5, 3))
    assert log.console.progress == at(5, 3)
    log.now += 15
    log.console.tick()
    assert log.taken() == "   20.0s  still waiting: no status yet, 3 reads\n"


def test_a_pause_does_not_begin_the_time_anew() -> None:
    log = Log()
    log.now = 5100
    log.console.reading(at(10), BUILDING)
    log.taken()
    log.now = 5120
    log.console.tick()
    assert log.taken() == "   30.0s  still waiting: building, 1 read\n"


# -- at a terminal ---------------------------------------------------------------------------------


def test_at_a_terminal_one_line_is_written_over() -> None:
    log = Log(live=True)
    log.console.line("first")
    log.console.reading(at(0, 1), BUILDING)
    log.now += 1
    log.console.tick()
    log.console.fault(at(1, 2), Fault("HTTP 503"), 1)
    log.now += 1
    log.console.tick()
    log.console.line("last")
    log.console.line("and no more")
    assert log.text == (
        "first\n"
        f"{ERASE}    0.0s  building, 1 read"
        f"{ERASE}    1.0s  building, 1 read"
        f"{ERASE}    1.0s  HTTP 503; reading again in 1s\n"
        f"{ERASE}    2.0s  building, 2 reads"
        f"{ERASE}last\n"
        "and no more\n"
    )


def test_at_a_terminal_a_line_must_not_wrap() -> None:
    log = Log(live=True)
    log.console.reading(at(0, 1), Reading(31 * "s"))
    assert log.text.endswith(f"{ERASE}    0.0s  {29 * 's'}…, 1 read")


# -- what cannot be written ------------------------------------------------------------------------


def test_a_log_that_cannot_be_written_is_remembered_and_no_more() -> None:
    log = Log()
    log.failure = OSError(28, "No space left on device")
    log.console.line("lost")
    assert log.console.failure is log.failure
    log.failure = None
    log.console.line("found")
    assert log.text == "found\n"
    assert vars(log.console)["failure"] is None


# -- standard output -------------------------------------------------------------------------------


class Pipe:
    """Makes standard output a pipe for as long as a `with` block lasts; time passes in `select`.

    (A fixture could not: pytest takes standard output back before it calls the test.)
    """

    def __init__(self) -> None:
        self.reading, self._writing = os.pipe()
        os.set_blocking(self.reading, False)
        self._kept = os.dup(1)
        self.now = 100.0
        self.asked: list[float] = []
        #: How many times in a row there is no room, whatever there is.
        self.stalls = 0

    def __enter__(self) -> None:
        os.dup2(self._writing, 1)

    def __exit__(self, *_: object) -> None:
        os.dup2(self._kept, 1)

    def close(self) -> None:
        for descriptor in (self._kept, self.reading, self._writing):
            os.close(descriptor)

    def monotonic(self) -> float:
        return self.now

    def select(self, *asked: object) -> tuple[list[int], list[int], list[int]]:
        *descriptors, timeout = asked
        assert descriptors == [[], [1], []]
        assert isinstance(timeout, float)
        self.asked.append(timeout)
        if self.stalls:
            self.stalls -= 1
            self.now += timeout
            return [], [], []
        return [], [1], []

    def read(self) -> bytes:
        return os.read(self.reading, 10**6)


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    """Have the console's module ask a pipe of the test's what time it is, and for room."""
    made = Pipe()
    there = SimpleNamespace(select=made.select, PIPE_BUF=select.PIPE_BUF)
    monkeypatch.setattr(console, "select", there)
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=made.monotonic))
    yield made
    made.close()


def patient() -> Callable[[bytes], None]:
    return standard_output(hurried=lambda: False)


def test_standard_output_is_written_to_in_pieces_that_do_not_block(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    write = os.write

    def noted(descriptor: int, data: bytes) -> int:
        sizes.append(len(data))
        return write(descriptor, data)

    data = bytes(range(256)) * 40
    with pipe, monkeypatch.context() as patch:
        patch.setattr(os, "write", noted)
        patient()(data)
    assert pipe.read() == data
    assert sizes == [4096, 4096, 2048]
    assert pipe.asked == [0.05, 0.05, 0.05]


def test_a_reader_that_stalls_is_waited_for(pipe: Pipe) -> None:
    with pipe:
        write = patient()
        pipe.stalls = 199
        write(b"one\n")
        assert round(pipe.now, 6) == 109.95
        pipe.stalls = 199
        write(b"two\n")
    assert pipe.read() == b"one\ntwo\n"


def test_a_reader_that_is_gone_is_not_waited_for_twice(pipe: Pipe) -> None:
    with pipe:
        write = patient()
        pipe.stalls = 10**6
        with pytest.raises(TimeoutError) as caught:
            write(b"lost\n")
        assert (caught.value.errno, caught.value.strerror) == (errno.ETIMEDOUT, "nobody reads it")
        assert pipe.now == pytest.approx(110, abs=0.06)
        pipe.asked.clear()
        for _ in range(2):
            with pytest.raises(TimeoutError):
                write(b"lost\n")
        assert pipe.asked == [0, 0]
        # Once it is back, it is waited for again.
        pipe.stalls = 0
        write(b"found\n")
        pipe.stalls = 100
        write(b"again\n")
    assert pipe.read() == b"found\nagain\n"


def test_after_a_signal_nobody_is_waited_for(pipe: Pipe) -> None:
    hurried: list[bool] = [False, False, True]
    with pipe:
        write = standard_output(hurried=lambda: hurried.pop(0))
        pipe.stalls = 10**6
        with pytest.raises(TimeoutError):
            write(b"lost\n")
    assert (hurried, pipe.asked) == ([], [0.05, 0.05, 0.05])


def test_a_signal_does_not_silence_a_log_that_is_read(pipe: Pipe) -> None:
    with pipe:
        standard_output(hurried=lambda: True)(b"the end\n")
    assert pipe.read() == b"the end\n"


def test_another_writer_may_take_the_room(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    write, full = os.write, [True, False]

    def contended(descriptor: int, data: bytes) -> int:
        if full.pop(0):
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return write(descriptor, data)

    with pipe, monkeypatch.context() as patch:
        patch.setattr(os, "write", contended)
        patient()(b"all of it\n")
    assert pipe.read() == b"all of it\n"


def test_a_log_on_a_full_disk(pipe: Pipe) -> None:
    with pipe:
        os.close(1)
        assert os.open("/dev/full", os.O_WRONLY) == 1
        with pytest.raises(OSError, match="No space left"):
            patient()(b"lost\n")
    assert pipe.asked == [0.05]


def test_a_standard_output_that_is_closed_stays_taken(pipe: Pipe) -> None:
    with pipe:
        os.close(1)
        write = patient()
        # Nothing that is opened from now on gets the descriptor, and with it the log.
        opened = os.open(os.devnull, os.O_RDONLY)
        os.close(opened)
        null = os.path.samestat(os.fstat(1), os.stat(os.devnull))  # noqa: PTH116 (as fstat)
        with pytest.raises(OSError, match="Bad file descriptor"):
            write(b"lost")
    assert opened > 1
    assert null


def test_standard_input_may_be_closed_as_well(pipe: Pipe) -> None:
    kept = os.dup(0)
    with pipe:
        before = open_files()
        os.close(0)
        os.close(1)
        try:
            write = patient()
            after = open_files()
            with pytest.raises(OSError, match="Bad file descriptor"):
                write(b"lost")
        finally:
            os.dup2(kept, 0)
            os.close(kept)
    assert after == before


def open_files() -> list[str]:
    return sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 (their numbers, not their paths)
