"""The server itself, and `Emulator`, which runs one in a thread of the process that tests."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import ssl
import sys
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Self, TypeVar

from emulator import control, delivery, resources
from emulator.api import Api, Credentials, Route, route
from emulator.builds import Build, Catalogue, fields_of, from_fields
from emulator.faults import SILENT, Fault, RandomFaults, Script
from emulator.log import Entry, RequestLog
from emulator.wire import MAX_HEAD, BadRequestError, Link, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_BACKLOG = 1024
_HONEST = Fault()


@dataclass
class Options:
    """What ``python3 -m emulator --help`` describes, under the same names.

    `default` is ``ENDING:AFTER`` for builds nobody announced, or None so that they do not exist.
    `services` maps a SID to a unique name or ``''``. Times are in seconds.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls_cert: str | None = None
    tls_key: str | None = None
    root: str = ""
    credentials: Credentials = field(default_factory=Credentials)
    services: dict[str, str] = field(default_factory=dict)
    builds: list[Build] = field(default_factory=list)
    default: str | None = "completed:2s"
    script: list[str | dict[str, Any]] = field(default_factory=list)
    fault_rate: float = 0.0
    fault_kinds: list[str] | None = None
    seed: int | None = None
    max_concurrent: int | None = None
    latency: float = 0.0
    keep_alive: float = 60.0
    verbose: bool = False


class Server:
    """One listening emulator, inside an event loop."""

    def __init__(
        self,
        options: Options,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Check the options; raises ValueError for what cannot be. Listens only from `start`."""
        if not ipaddress.ip_address(options.host).is_loopback:
            raise ValueError(
                f"{options.host} is not a loopback address: the emulator serves none other"
            )
        self._options = options
        self._clock = clock
        self._wall = wall
        default = None if options.default is None else fields_of(options.default)
        if default is not None:
            from_fields({"sid": "ZB" + 32 * "0", **default})  # a wrong one is said at the start
        self.catalogue = Catalogue(options.services, default)
        for build in options.builds:
            self.catalogue.add(build)
        self.script = Script.parse(options.script)
        self._random = RandomFaults(options.fault_rate, options.fault_kinds, options.seed)
        self._api = Api(self.catalogue, options.credentials, clock, wall)
        self.log = RequestLog(clock)
        self._listener: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._connections = 0
        self._in_flight = 0
        self.url = ""
        self.port = 0

    async def start(self) -> None:
        """Listen, and set `url`. Raises OSError if the port or the certificate cannot be had."""
        context = None
        if self._options.tls_cert:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self._options.tls_cert, self._options.tls_key)
        asyncio.get_running_loop().set_exception_handler(_only_bugs)
        self._listener = await asyncio.start_server(
            self._connected,
            self._options.host,
            self._options.port,
            limit=MAX_HEAD,
            backlog=_BACKLOG,
            ssl=context,
        )
        host, self.port = self._listener.sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        scheme = "https" if context else "http"
        self.url = f"{scheme}://{shown}:{self.port}{self._options.root}"

    async def stop(self) -> None:
        """Stop listening and drop every connection, whatever it is doing."""
        if self._listener is not None:
            self._listener.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        link = Link(reader, writer)
        conversation = asyncio.ensure_future(self._converse_safely(link, self._connections))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, link: Link, connection: int) -> None:
        """Answer one client's requests until either side has had enough."""
        try:
            while link.open:
                async with asyncio.timeout(self._options.keep_alive):
                    request = await link.read()
                if request is None:
                    break
                await self._answer(request, link, connection)
                if not request.keep_alive:
                    break
        except BadRequestError as reason:
            refusal = self._dated(resources.error(400, message=str(reason)), close=True)
            await link.send(refusal.encode())
        if link.open:
            link.close()
        await link.closed()

    async def _converse_safely(self, link: Link, connection: int) -> None:
        """Bear what a client does to its connection, and leave nothing of it behind."""
        try:
            await self._converse(link, connection)
        except OSError:
            pass  # it reset the connection, or idled for too long (TimeoutError is an OSError)
        finally:
            link.abort()

    async def _answer(self, request: Request, link: Link, connection: int) -> None:
        where = self._route(request.path)
        entry = Entry(
            time=self.log.now(),
            connection=connection,
            route=where.name,
            method=request.method,
            path=request.path,
            query=request.query,
            build=where.build,
            user_agent=request.headers.get("user-agent", ""),
        )
        if where.name == "control":
            await link.send(self._dated(control.reply(self, request)).encode())
            return
        self.log.add(entry)
        self._in_flight += 1
        try:
            await self._answer_as_twilio(request, where, link, entry)
        finally:
            self._in_flight -= 1
            entry.ended = self.log.now()
            if self._options.verbose:
                print(_line(entry), file=sys.stderr, flush=True)

    async def _answer_as_twilio(
        self, request: Request, where: Route, link: Link, entry: Entry
    ) -> None:
        if link.stale:
            entry.reply = "reset: stale connection"
            link.reset()
            return
        limit = self._options.max_concurrent
        crowded = limit is not None and self._in_flight > limit
        fault = Fault(kind="reply", status=429) if crowded else self._fault(where)
        entry.reply = fault.label if not crowded else "crowded"
        if not crowded:
            await asyncio.sleep(self._options.latency + fault.delay)
        honest = self._api.reply(request, where)
        build = self.catalogue.known(where.build)
        entry.build_status = None if build is None else build.status(self._clock())
        reply = self._dated(delivery.adapt(fault, honest), close=not request.keep_alive)
        entry.status = reply.status if fault.kind not in SILENT else None
        if request.method == "HEAD":
            reply = replace(reply, body=b"")  # whatever its length, it is never sent (RFC 9110)
        await delivery.deliver(fault, reply, link)

    def _route(self, path: str) -> Route:
        if path.startswith(control.PREFIX):
            return Route("control")
        root = self._options.root
        return route(path.removeprefix(root)) if path.startswith(root) else Route("unknown")

    def _fault(self, where: Route) -> Fault:
        """Return the next scripted fault: the build's own first, then everybody's, then chance."""
        build = self.catalogue.known(where.build)
        fault = build.script.take(where.name) if build is not None else None
        return fault or self.script.take(where.name) or self._random.take(where.name) or _HONEST

    def _dated(self, reply: Reply, *, close: bool = False) -> Reply:
        headers = {
            "Date": format_datetime(self._wall(), usegmt=True),
            "Twilio-Request-Id": "RQ" + secrets.token_hex(16),
            "Twilio-Concurrent-Requests": str(self._in_flight),
        }
        return reply.adding({**headers, "Connection": "close"} if close else headers)


def _only_bugs(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Pass over what a client did to its connection (a failed handshake, a reset)."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)


def _line(entry: Entry) -> str:
    status = "-" if entry.status is None else entry.status
    return f"{entry.time:9.3f}  {entry.method} {entry.path}  {status}  {entry.reply}"


class Emulator:
    """An emulator in a thread of this process: ``with Emulator(Options(...)) as emulator``."""

    def __init__(
        self, options: Options | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Check the options; raises ValueError. Serves inside the ``with`` block.

        Builds go by `clock`, a reading in seconds that never falls.
        """
        self._server = Server(options or Options(), clock)
        self._started: Future[asyncio.AbstractEventLoop] = Future()
        self._stop: asyncio.Event
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._run, name="emulator", daemon=True)

    @property
    def url(self) -> str:
        """The address to use as base URL, without a slash at its end."""
        return self._server.url

    def __enter__(self) -> Self:
        """Listen; raises OSError if that fails."""
        self._thread.start()
        self._loop = self._started.result()
        return self

    def __exit__(self, *_: object) -> None:
        """Drop every connection and end the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def add_build(self, sid: str, ending: str = "completed", **fields: Any) -> None:  # noqa: ANN401 - as JSON
        """Add or replace a build; the fields are those of ``POST /emulator/builds``."""
        build = from_fields({"sid": sid, "ending": ending, **fields})
        self._call(lambda: self._server.catalogue.add(build))

    def play(self, *faults: str | dict[str, Any]) -> None:
        """Replace what is left of the script by these faults."""
        script = Script.parse(list(faults))

        def replace_script() -> None:
            self._server.script = script

        self._call(replace_script)

    def requests(self, build: str | None = None) -> list[dict[str, Any]]:
        """Return the log of requests, of one build or of all; see `emulator.log.Entry`."""
        entries: list[dict[str, Any]] = self.log(build)["requests"]
        return entries

    def log(self, build: str | None = None) -> dict[str, Any]:
        """Return what ``GET /emulator/requests`` says."""
        return self._call(lambda: self._server.log.content(self._server.catalogue.all(), build))

    def _call(self, function: Callable[[], T]) -> T:
        """Run `function` in the server's thread, where everything it touches belongs."""

        async def call() -> T:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        await self._server.start()
        self._started.set_result(asyncio.get_running_loop())
        await self._stop.wait()
        await self._server.stop()
