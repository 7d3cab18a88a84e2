"""The emulator: an account, served over HTTP, with faults and a log."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from emulator.account import SERVICE_SID, Account
from emulator.faults import POLLS, TRANSIENT, Fault, parse
from emulator.messages import Request, Response
from emulator.resources import ACCOUNT_SID
from emulator.routes import AUTH_TOKEN, ROUTES, answer, routes_of
from emulator.server import Server


@dataclass(frozen=True)
class Entry:
    """A request in the log.

    `time` is a reading of the emulator's clock, taken when the response was ready. `route` is a
    name in `routes.ROUTES`, empty if there is none. `status` is 0 if the connection was reset.
    `fault` is empty for Twilio's response.
    """

    time: float
    request: Request
    route: str
    status: int
    fault: str


class Emulator(Account):
    """An account that is served on loopback within a ``with`` block.

    `url` is the one address of serverless, serverless-upload and monitor, `variables` the
    environment for the tool, and `requests` the log.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        fault_rate: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        verbose: bool = False,
    ) -> None:
        """Listen on `port`, 0 for any free one; raises OSError if it is taken.

        `fault_rate`, from 0 to 1, is the share of polls that meet a random transient error. With
        `verbose`, each request is printed.
        """
        super().__init__(clock)
        self.requests: list[Entry] = []
        self._faults: list[Fault] = []
        self._fault_rate = fault_rate
        self._verbose = verbose
        self._server = Server(port, self._answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.variables = {
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_SERVICE_SID": SERVICE_SID,
            "TWILIO_BASE_URL": self.url,
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fault(self, spec: str) -> None:
        """Add a fault behind the others of its route, see `faults.parse`; raises ValueError."""
        fault = parse(spec)
        if fault.route != "any" and fault.route not in {route.name for route in ROUTES}:
            raise ValueError(f"{spec!r} names no route in emulator/routes.py")
        self._faults.append(fault)

    def _answer(self, request: Request) -> Response:
        route = routes_of(request.path).get(request.method)
        name = route.name if route else ""
        with self.lock:
            fault = self._take_fault(name)
        if fault and fault.kind == "slow":
            time.sleep(fault.duration)
        response = (fault and fault.response()) or answer(self, request)
        spec = fault.spec if fault else ""
        self.requests.append(Entry(self.clock(), request, name, response.status, spec))
        if self._verbose:
            print(request.method, request.path, response.status or "reset", spec, flush=True)
        return response

    def _take_fault(self, route: str) -> Fault | None:
        for fault in self._faults:
            if fault.times > 0 and fault.route in {route, "any"}:
                fault.times -= 1
                return fault
        if route in POLLS and random.random() < self._fault_rate:  # noqa: S311 (no secret)
            return parse(random.choice(TRANSIENT))  # noqa: S311 (no secret)
        return None
