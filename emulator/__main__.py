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
Without --file there are two builds, {_COMPLETES}
and {_FAILS}, which complete and fail after 5 s, an alert
that arrives 2 s after the failure, and the environment
{_ENVIRONMENT}. Clients can create more.

faults: [ROUTE:]KIND[=DURATION][*[TIMES]], such as 503, 404*3, 429=2s, alerts:403*
  400..599  this status, in Twilio's error shape; DURATION is its Retry-After
  reset     the connection is reset
  garbage   a 200 whose body is not JSON
  slow      Twilio's response, after DURATION
  ok        Twilio's response
  *3 is for three requests, * for all that follow. ROUTE is status (the default), any, or
  a name in emulator/routes.py, such as builds, build, alerts or environment.

FILE has the arguments of the methods add_build, add_alert, ... of emulator.Emulator. Here the
newest build is ten minutes old, and an alert arrives 4 s after the build has failed:
  {{"builds": [{{"sid": "ZB...", "status": "failed", "after": "3s", "created": "-10m",
               "functions": ["/hello", "/admin:protected"]}}],
   "alerts": [{{"build": "ZB...", "code": "82003", "text": "npm failed", "delay": "4s"}}],
   "environments": [{{"sid": "ZE...", "build_sid": "ZB..."}}]}}
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code, 2 for what cannot be served."""
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    try:
        with Emulator(port=options.port, verbose=True) as emulator:
            _fill(emulator, options)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stop.set())
            print(f"emulator listening on {emulator.url}")
            for name, value in emulator.variables.items():
                print(f"export {name}={value}")
            print(f"export TWILIO_BUILD_SID={next(iter(emulator.builds), 'latest')}", flush=True)
            stop.wait()
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 2
    return 0


def _fill(emulator: Emulator, options: argparse.Namespace) -> None:
    for fault in options.fault:
        emulator.fault(fault)
    if options.file:
        for key, items in json.loads(options.file.read_text(encoding="utf-8")).items():
            add = getattr(emulator, f"add_{key.removesuffix('s')}")
            for arguments in items:
                add(**arguments)
    else:
        emulator.add_build(_COMPLETES, "completed", after="5s")
        emulator.add_build(_FAILS, "failed", after="5s")
        emulator.add_alert(build=_FAILS, delay="2s")
        emulator.add_environment(_ENVIRONMENT)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m emulator",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="port; by default any free one")
    parser.add_argument("--fault", action="append", default=[], help="a fault, see below")
    parser.add_argument(
        "--file", type=Path, help="builds, alerts and environments: JSON, see below"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
