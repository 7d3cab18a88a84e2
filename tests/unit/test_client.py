"""The client: one JSON object or an error, and how often it asks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.clocks import VirtualClock
from tests.support.samples import NOW, json_response
from tests.support.server import Response, Server, Step
from twilio_build_wait.credentials import Redactor
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.safe_text import message
from twilio_build_wait.twilio import client
from twilio_build_wait.twilio.client import Client, Resource, read_page

FOUND = {"found": True}


@dataclass
class Reader:
    """A client of one server, in virtual time."""

    server: Server
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        self.server.clock = self.clock
        self.client = Client(
            ("user", "sw0rdfish"),
            self.clock,
            {},
            Redactor([]),
            self.clock.now,
            lambda: NOW.timestamp() + self.clock.elapsed,
        )

    def read(self, *answers: Step, limit: float = 10.0) -> Resource:
        self.server.script(*answers)
        return self.client.read(self.server.url, limit)

    def read_until(self, *answers: Step, seconds: float = 10.0) -> Resource:
        self.server.script(*answers)
        return self.client.read_until(self.server.url, self.clock.now() + seconds)


@pytest.fixture
def reader(server: Server) -> Iterator[Reader]:
    yield Reader(server)
    server.clock = None


def error(result: Resource) -> PollError:
    assert isinstance(result, PollError)
    return result


def test_clock_is_that_of_the_latest_response(reader: Reader) -> None:
    assert reader.client.now == NOW
    reader.read(json_response({}, Date="Thu, 01 Oct 2026 14:00:00 +0100"))
    assert reader.client.now == datetime(2026, 10, 1, 13, tzinfo=UTC)
    reader.clock.sleep(5)
    reader.read(json_response({}))
    assert reader.client.now == pytest.approx(NOW + timedelta(seconds=5), abs=timedelta(seconds=1))


def test_body_up_to_4_mib_is_read(reader: Reader) -> None:
    longest = b"{}" + b" " * ((4 << 20) - 2)
    assert reader.read(Response(200, longest)) == {}
    result = error(reader.read(Response(200, longest + b" ")))
    assert result.is_oversized
    assert result.cause.text().endswith(": invalid response (too large: over 4096 KiB)")


@pytest.mark.parametrize("limit", [0.5, 10.0])
def test_read_takes_no_longer_than_its_limit(reader: Reader, limit: float) -> None:
    result = error(reader.read([100.0], limit=limit))
    assert "no complete response" in result.cause.text()
    assert reader.clock.elapsed == limit


def test_limit_holds_for_parsing(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    spend = reader.clock.spend
    monkeypatch.setattr(client, "parse", lambda *_: spend(100.0, reader.clock.request))
    error(reader.read(json_response(FOUND)))
    assert reader.clock.elapsed == 10


# Address -> what is wrong with it.
ADDRESSES = {
    "socks5://proxy.test": "SOCKS proxies are not supported",
    "http://me:100€@127.0.0.1": "the address in https_proxy cannot be used",  # not in latin-1
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_address_of_a_proxy_that_cannot_be_used_is_an_error(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("https_proxy", address)
    result = error(reader.client.read("https://api.test", 1.0))
    assert ADDRESSES[address] in result.cause.text()
    assert result.kind is ErrorKind.PERMANENT


def test_invalid_resource_is_a_transient_error_of_its_host(reader: Reader) -> None:
    result = error(reader.read(json_response([])))
    cause = f"127.0.0.1:{reader.server.port}: invalid response (not a JSON object)"
    assert result.cause.text() == cause
    assert result.kind is ErrorKind.TRANSIENT
    assert result.reach is Reach.ANSWERED
    advice = "Check base-url, and whether a proxy on the way answers instead"
    assert result.advice.text() == advice


def test_transient_error_is_repeated_every_second(reader: Reader) -> None:
    assert reader.read_until(Response(503), Response(503), json_response(FOUND)) == FOUND
    assert [round(request.time - 1000) for request in reader.server.requests] == [0, 1, 2]


def test_retry_after_is_respected(reader: Reader) -> None:
    busy = Response(429, headers={"Retry-After": "3"})
    assert reader.read_until(busy, json_response(FOUND)) == FOUND
    assert round(reader.clock.elapsed) == 3


NOT_REPEATED = {
    "permanent": Response(403),
    "not found": Response(404),
    "oversized": Response(200, b" " * (5 << 20)),
}


@pytest.mark.parametrize("answer", NOT_REPEATED.values(), ids=NOT_REPEATED)
def test_other_error_is_not_repeated(reader: Reader, answer: Step) -> None:
    error(reader.read_until(answer))
    assert len(reader.server.requests) == 1
    assert reader.clock.elapsed == 0


def test_retry_after_up_to_the_end_is_not_waited_for(reader: Reader) -> None:
    error(reader.read_until(Response(503, headers={"Retry-After": "10"}), seconds=10))
    assert reader.clock.elapsed == 0


@pytest.mark.parametrize("seconds, elapsed", [(9, 6), (20, 11)])
def test_attempt_takes_5_s_or_half_the_time(reader: Reader, seconds: float, elapsed: float) -> None:
    assert reader.read_until([100.0], json_response(FOUND), seconds=seconds) == FOUND
    assert reader.clock.elapsed == pytest.approx(elapsed)


def test_repetition_ends_in_time(reader: Reader) -> None:
    error(reader.read_until([100.0], seconds=8))
    assert reader.clock.elapsed == pytest.approx(8)


def test_nothing_is_read_when_the_time_is_over(reader: Reader) -> None:
    result = error(reader.read_until(json_response(FOUND), seconds=0))
    assert result.cause.text() == "no time was left to read it"
    assert reader.server.requests == []


def test_list_that_is_too_large_is_read_with_the_smaller_page() -> None:
    too_large = PollError(message("too large"), is_oversized=True)
    results: dict[int, Resource] = {20: too_large, 5: FOUND}
    assert read_page(results.__getitem__, (20, 5)) == (FOUND, 5)
    other = PollError(message("other"))
    assert read_page({20: other}.__getitem__, (20, 5)) == (other, 20)
