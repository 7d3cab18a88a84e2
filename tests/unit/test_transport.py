"""One GET over a scripted connection: what is sent, what is read, and what it is cut off at."""

import platform
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import metadata
from typing import TypeVar

import pytest

from tests.unit.samples import API_KEY, SECRET
from tests.unit.wire import Peer, Wire, reply, wire
from twilio_build_wait import __version__
from twilio_build_wait.results import Fault, Kind
from twilio_build_wait.signals import Cancelled, Signals
from twilio_build_wait.transport import BODY_LIMIT, Reply, Transport

__all__ = ["wire"]

T = TypeVar("T")

HOST = "gateway.test:8080"
URL = f"http://{HOST}/v1/Status"


class Here(Signals):
    """Does the work at once and in this thread; ends it as `ending` says once it is done."""

    def __init__(self) -> None:
        self.limits: list[float] = []
        self.ending: Exception | None = None

    def run(self, work: Callable[[], T], limit: float) -> T:
        self.limits.append(limit)
        if self.ending is None:
            return work()
        with suppress(Exception):  # as in a thread that nobody waits for any more
            work()
        raise self.ending


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.fixture
def transport(here: Here) -> Iterator[Transport]:
    made = Transport(API_KEY, SECRET, here)
    yield made
    made._adapter.close()  # noqa: SLF001 (the process just ends, and closes nothing)


def get(transport: Transport, limit: float = 5.0, **more: int) -> Reply | Fault:
    return transport.get(URL, limit, **more)


# -- what is sent ----------------------------------------------------------------------------------


def test_the_request(wire: Wire, transport: Transport) -> None:
    wire.answer(reply(b"{}"))
    get(transport)
    line, *headers = wire.heard_so_far().decode().split("\r\n")
    assert line == "GET /v1/Status HTTP/1.1"
    assert dict(header.split(": ", 1) for header in headers if header) == {
        "Host": HOST,
        "User-Agent": (
            f"twilio-build-wait/{__version__} "
            f"(Python/{platform.python_version()}; requests/{metadata.version('requests')})"
        ),
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Authorization": "Basic " + b64encode(f"{API_KEY}:{SECRET}".encode()).decode(),
    }
    assert wire.addresses == [("gateway.test", 8080)]


def test_the_limit_holds_for_all_and_a_third_of_it_for_each_address(
    wire: Wire, transport: Transport, here: Here
) -> None:
    wire.answer(reply(b"{}"))
    get(transport, 6.0)
    assert (here.limits, wire.timeouts) == ([6], [2])


def test_one_connection_is_kept_alive(wire: Wire, transport: Transport) -> None:
    wire.answer(Peer(reply(b"{}"), hangs_up=False))
    assert get(transport) == Reply(200, {"Content-Length": "2"}, b"{}")
    wire.heard_so_far()
    wire.answer_when_asked(reply(b"[]"))
    assert get(transport) == Reply(200, {"Content-Length": "2"}, b"[]")
    assert len(wire.addresses) == 1


def test_a_plain_http_root_never_goes_through_a_proxy(
    wire: Wire, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.test:3128")
    wire.answer(reply(b"{}"))
    get(transport)
    assert wire.addresses == [("gateway.test", 8080)]


def test_the_login_of_a_netrc_is_not_used(
    wire: Wire, transport: Transport, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:  # noqa: PTH123 (tmp_path is any path here)
        file.write("machine gateway.test login someone password else\n")
    monkeypatch.setenv("NETRC", netrc)
    wire.answer(reply(b"{}"))
    get(transport)
    login = b64encode(f"{API_KEY}:{SECRET}".encode())
    assert b"Authorization: Basic " + login + b"\r\n" in wire.heard_so_far()


# -- what is read ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [100, 200, 201, 204, 301, 304, 404, 429, 503, 600, 999])
def test_a_reply(wire: Wire, transport: Transport, status: int) -> None:
    final = 200 if status == 100 else status
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" if status == 100 else b""
    body = b"" if status in {204, 304} else b'{"a": 1}'
    wire.answer(interim + reply(body, final, Retry_After="7"))
    found = get(transport)
    assert isinstance(found, Reply)
    assert (found.status, found.body, found.flaw) == (final, body, None)
    assert found.headers["retry-after"] == found.headers["Retry-After"] == "7"


def test_a_redirect_is_not_followed(wire: Wire, transport: Transport) -> None:
    wire.answer(reply(b"", 302, Location="http://elsewhere.test/"))
    found = get(transport)
    assert isinstance(found, Reply)
    assert (found.status, len(wire.addresses)) == (302, 1)


@pytest.mark.parametrize(
    "raw, body",
    [
        (b"HTTP/1.1 200 OK\r\n\r\n{}", b"{}"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
            b"{}",
        ),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        # What is compressed in spite of the request is not unpacked: it could be a bomb.
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
            b"\x1f\x8b",
        ),
    ],
    ids=["to the end", "chunked", "HTTP/1.0", "gzip"],
)
def test_a_body_however_it_is_framed(
    wire: Wire, transport: Transport, raw: bytes, body: bytes
) -> None:
    wire.answer(raw)
    found = get(transport)
    assert isinstance(found, Reply)
    assert found.body == body


def test_the_longest_body(wire: Wire, transport: Transport) -> None:
    assert BODY_LIMIT == 64 * 1024
    wire.answer(reply(BODY_LIMIT * b" "))
    found = get(transport)
    assert isinstance(found, Reply)
    assert len(found.body) == BODY_LIMIT


def test_a_body_that_is_too_long(wire: Wire, transport: Transport) -> None:
    wire.answer(reply((BODY_LIMIT + 1) * b" "))
    assert get(transport) == Fault(f"{HOST}: reply too large (more than 64 KiB)")


def test_another_limit_on_the_body(wire: Wire, transport: Transport) -> None:
    wire.answer(reply(2048 * b" "), reply(2049 * b" "))
    assert isinstance(get(transport, most=2048), Reply)
    wire.answer(reply(2049 * b" "))
    transport._adapter.close()  # noqa: SLF001 (the next read is over another connection)
    assert get(transport, most=2048) == Fault(f"{HOST}: reply too large (more than 2 KiB)")


# -- what goes wrong -------------------------------------------------------------------------------


def test_a_reply_that_is_cut(wire: Wire, transport: Transport) -> None:
    wire.answer(reply(b'{"a"', length=9))
    assert get(transport) == Fault(f"{HOST}: connection closed within the reply")


@pytest.mark.parametrize("status", [201, 301, 401, 404, 429, 503])
def test_a_status_line_other_than_200_decides_alone(
    wire: Wire, transport: Transport, status: int
) -> None:
    wire.answer(reply(b"{", status, length=9, Retry_After="7"))
    assert get(transport) == Reply(
        status,
        {"Content-Length": "9", "Retry-After": "7"},
        flaw=Fault(f"{HOST}: connection closed within the reply"),
    )


def test_it_decides_before_the_head_is_read_whole(
    wire: Wire, transport: Transport, here: Here
) -> None:
    here.ending = TimeoutError()
    wire.answer(Peer(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n", hangs_up=False))
    flaw = Fault(f"no complete reply from {HOST} within 0 s", unanswered=True)
    assert get(transport, 0.05) == Reply(503, {}, flaw=flaw)


class Impatient(Here):
    """Does the work in a thread, and waits no longer than until the request is sent."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire
        self.thread = threading.Thread()

    def run(self, work: Callable[[], T], limit: float) -> T:
        self.limits.append(limit)

        def do() -> None:
            with suppress(Exception):
                work()

        self.thread = threading.Thread(target=do)
        self.thread.start()
        assert self._wire.connected.wait(10)
        assert self._wire.heard_so_far().startswith(b"GET ")
        raise TimeoutError


def test_when_the_time_is_up_the_connection_is_cut(wire: Wire) -> None:
    wire.answer(Peer(b"", hangs_up=False))
    impatient = Impatient(wire)
    expected = Fault(f"no complete reply from {HOST} within 60 s", unanswered=True)
    assert Transport(API_KEY, SECRET, impatient).get(URL, 60) == expected
    impatient.thread.join(10)
    assert not impatient.thread.is_alive()
    assert wire.heard() == b""  # and then the end


def test_there_may_be_nothing_to_cut_any_more(wire: Wire, transport: Transport, here: Here) -> None:
    here.ending = TimeoutError()
    wire.answer(b"HTTP/1.1 503 Busy\r\n\r\n")
    found = get(transport, 60)
    assert isinstance(found, Reply)
    assert found.status == 503


def test_a_connection_that_cannot_be_cut_is_left_alone(wire: Wire) -> None:
    wire.answer(Peer(b"", hangs_up=False, gone=True))
    impatient = Impatient(wire)
    assert isinstance(Transport(API_KEY, SECRET, impatient).get(URL, 60), Fault)
    wire.close()
    impatient.thread.join(10)
    assert not impatient.thread.is_alive()


def test_after_a_fault_the_connection_is_a_fresh_one(wire: Wire, transport: Transport) -> None:
    wire.answer(reply(b"", length=1), reply(b"{}"))
    assert isinstance(get(transport), Fault)
    assert get(transport) == Reply(200, {"Content-Length": "2"}, b"{}")
    assert len(wire.addresses) == 2


def test_what_an_earlier_request_has_read_is_not_taken_for_a_later_one_s(
    wire: Wire, transport: Transport
) -> None:
    wire.answer(Peer(reply(b"", 503), hangs_up=True), ConnectionRefusedError(111, "refused"))
    assert isinstance(get(transport), Reply)
    expected = Fault(f"{HOST}: connection refused", unanswered=True, unreachable=True)
    assert get(transport) == expected


def test_nobody_there(wire: Wire, transport: Transport) -> None:
    wire.answer(ConnectionRefusedError(111, "Connection refused"))
    expected = Fault(f"{HOST}: connection refused", unanswered=True, unreachable=True)
    assert get(transport) == expected


def test_a_signal_is_passed_on(wire: Wire, transport: Transport, here: Here) -> None:
    here.ending = Cancelled(15)
    wire.answer(reply(b"{}"))
    with pytest.raises(Cancelled):
        get(transport)


def test_a_bug_is_not_taken_for_a_fault(transport: Transport, here: Here) -> None:
    here.ending = RuntimeError("a bug")
    with pytest.raises(RuntimeError, match="a bug"):
        get(transport)


# -- proxies and certificates ----------------------------------------------------------------------

TLS_URL = "https://gateway.test/v1/Status"


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch, wire: Wire) -> Wire:
    monkeypatch.setenv("HTTPS_PROXY", "http://jo:password@proxy.test:3128")
    return wire


def test_a_proxy_s_refusal(proxied: Wire, transport: Transport) -> None:
    proxied.answer(b"HTTP/1.1 407 Login\r\n\r\n")
    assert transport.get(TLS_URL, 5) == Fault(
        "proxy proxy.test:3128 refused the connection to gateway.test with HTTP 407",
        Kind.LASTING,
        "Check HTTPS_PROXY, its user and password, or except the host with NO_PROXY",
    )
    assert proxied.addresses == [("proxy.test", 3128)]
    assert SECRET.encode() not in (heard := proxied.heard())
    assert b64encode(b"jo:password") in heard


def test_a_proxy_s_bad_day(proxied: Wire, transport: Transport) -> None:
    proxied.answer(b"HTTP/1.1 503 Busy\r\n\r\n")
    found = transport.get(TLS_URL, 5)
    assert isinstance(found, Fault)
    assert found.kind is Kind.PASSING
    assert found.cause == (
        "proxy proxy.test:3128 refused the connection to gateway.test with HTTP 503"
    )


@pytest.mark.parametrize(
    "address", ["http://proxy.test:3128", "http://proxy.test:3128/", "proxy.test:3128"]
)
def test_a_proxy_without_a_login(
    wire: Wire, transport: Transport, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    wire.answer(b"HTTP/1.1 407 Login\r\n\r\n")
    found = transport.get(TLS_URL, 5)
    assert isinstance(found, Fault)
    assert found.cause == (
        "proxy proxy.test:3128 refused the connection to gateway.test with HTTP 407"
    )


UNUSABLE = Fault(
    "the address of gateway.test, or of the proxy on the way to it, cannot be used",
    Kind.LASTING,
    "Check HTTPS_PROXY: its scheme, its host and its port",
)


@pytest.mark.parametrize(
    "address",
    ["http://jo:password@", "gopher://proxy.test", "http://proxy.test:port", "http://[::1:3128"],
)
def test_a_proxy_address_that_cannot_be_used(
    address: str, wire: Wire, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    assert transport.get(TLS_URL, 5) == UNUSABLE
    assert wire.addresses == []


def test_a_bundle_that_cannot_be_read(
    wire: Wire, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    assert transport.get(TLS_URL, 5) == Fault(
        "the CA bundle /nowhere/ca.pem cannot be read: No such file or directory",
        Kind.LASTING,
        "Correct REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE), or take it away",
    )
    # Plain http has no use for one.
    wire.answer(ConnectionRefusedError(111, "Connection refused"))
    found = get(transport)
    assert isinstance(found, Fault)
    assert found.cause == f"{HOST}: connection refused"


def test_what_is_no_tls(wire: Wire, transport: Transport) -> None:
    wire.answer(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    found = transport.get(TLS_URL, 5)
    assert isinstance(found, Fault)
    assert found.cause.startswith("gateway.test: TLS error (")
