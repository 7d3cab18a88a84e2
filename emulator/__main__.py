"""Serves Twilio's Serverless API and Monitor's alerts on 127.0.0.1.

Prints its address and the variables to set, then a line for each request. SIGINT and SIGTERM end
it with exit code 0.
"""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from emulator.emulator import Emulator

_COMPLETES, _FAILS, _ENVIRONMENT = "ZB" + 32 * "c", "ZB" + 32 * "f", "ZE" + 32 * "e"

_EPILOG = f"""\
Without --build and --file there are two builds, {_COMPLETES}
and {_FAILS}, which complete and fail after 5 s, and an
environment, {_ENVIRONMENT}. Clients can create more.

faults: [ROUTE:]KIND[=DURATION][*[TIMES]], such as 503, 404*3, 429=2s, alerts:403*
  400..599  this status, in Twilio's error shape; DURATION is its Retry-After
  reset     the connection is reset
  garbage   a 200 whose body is not JSON
  slow      Twilio's response, after DURATION
  ok        Twilio's response
  *3 is for three requests, * for all that follow. ROUTE is status (the default), any, or
  a name in emulator/routes.py, such as builds, build, alerts or environment.

FILE has the arguments of the methods add_build, add_alert, ... of emulator.Emulator:
  {{"builds": [{{"sid": "ZB...", "status": "failed", "after": "3s", "created": "-10m"}}],
   "alerts": [{{"build": "ZB...", "code": "82003", "text": "npm failed"}}],
   "environments": [{{"sid": "ZE...", "build_sid": "ZB..."}}]}}
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code, 2 for what cannot be served."""
    options = _parser().parse_args(arguments)
    try:
        with Emulator(port=options.port, verbose=True) as emulator:
            _fill(emulator, options)
            _serve(emulator)
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 2
    return 0


def _serve(emulator: Emulator) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    print(f"emulator listening on {emulator.url}")
    for name, value in emulator.variables.items():
        print(f"export {name}={value}")
    print(f"export TWILIO_BUILD_SID={next(iter(emulator.builds), 'latest')}", flush=True)
    stop.wait()


def _fill(emulator: Emulator, options: argparse.Namespace) -> None:
    for text in options.build:
        sid, status, *after = text.split(":")
        emulator.add_build(sid, status, after=after[0] if after else "0s")
    for fault in options.fault:
        emulator.fault(fault)
    if options.file:
        for key, items in json.loads(options.file.read_text(encoding="utf-8")).items():
            add = getattr(emulator, f"add_{key.removesuffix('s')}")
            for arguments in items:
                add(**arguments)
    elif not options.build:
        emulator.add_build(_COMPLETES, "completed", after="5s")
        emulator.add_build(_FAILS, "failed", after="5s")
        emulator.add_alert(build=_FAILS)
        emulator.add_environment(_ENVIRONMENT)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m emulator",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=0, help="port; by default any free one")
    add("--build", action="append", default=[], metavar="SID:STATUS[:AFTER]",
        help="a build; STATUS is completed, failed or building (it never ends)")  # fmt: skip
    add("--fault", action="append", default=[], help="a fault, see below")
    add("--file", type=Path, help="more of them, and alerts and environments: JSON, see below")
    return parser


if __name__ == "__main__":
    sys.exit(main())
