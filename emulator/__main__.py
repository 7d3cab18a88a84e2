"""The command line: ``python3 -m emulator --help``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from emulator import api, builds, faults
from emulator.durations import seconds
from emulator.server import Options, Server

_KINDS = "\n".join(f"  {kind:13} {meaning}" for kind, meaning in faults.KINDS.items())

_DESCRIPTION = """\
Serves what Twilio serves to whoever waits for a build, on the loopback interface, with builds
that end when told to and faults on order. Prints 'emulator listening on ADDRESS' when it is
ready; SIGINT and SIGTERM end it with exit 0."""

_EPILOG = f"""\
endpoints, all below the address that is printed first:
  GET  /v1/Services/{{SID or unique name}}/Builds/{{SID}}/Status
  GET  /v1/Services/{{SID or unique name}}/Builds/{{SID}}
  GET  /v1/Alerts                        Monitor's, on the same address
  GET  /emulator/requests[?build=SID]    the log of requests, and when each build ends (JSON)
  POST /emulator/builds                  add or replace builds: {{"sid": "ZB…", "ending": "failed",
                                         "after": "3s", "service": "ZS…", "alerts": ["82003"],
                                         "runtime": "node22", "dependencies": [{{"name": "sharp",
                                         "version": "0.33.5"}}], "functions": 2, "assets": 1,
                                         "script": ["500"]}}, or a list of such
  POST /emulator/script[?append=true]    replace (extend) what is left of the script: ["500", …]

builds (--build, --default):
  SID:ENDING[:AFTER][:KEY=VALUE ...]     ENDING is completed, failed, or building (never ends);
                                         AFTER is counted from the first request for the build
  keys: service=ZS…, runtime=node22, dep=NAME@VERSION (repeatable), functions=2, assets=1,
  alert=KIND[+KIND ...], what Monitor says once the build has failed:
    82003      installation failure that names the build (the default)
    82007      unsupported runtime, naming the build
    nameless   82003 that names neither the build nor its service
    unrelated  11200 about something else, in the same minutes
    none       nothing

faults (--fault, --script, and the "script" of a build):
  [ROUTE:]KIND[=VALUE][*TIMES] [OPTION=VALUE ...]
  Each answers the next request of its ROUTE (status if not given; build, alerts, any), TIMES of
  them, or with a lone * all that follow. Then everything is honest again. OPTION delay=2s waits
  first; with a number: code=, message=, body=, shape=plain|detail|problem|html, and any other is
  a header. KIND is an HTTP status, status=WORD, or one of:
{_KINDS}
  A JSON object does the rest: {{"status": 503, "headers": {{"Retry-After": "soon"}}, "body": "…"}}
  (or "json": …, "body_base64": "…"), {{"merge": {{"sid": null}}}}, {{"raw": "HTTP/1.1 200 OK…"}},
  each with "on" (its route), "times" (null: for ever) and "delay" if wanted.

examples:
  python3 -m emulator --port 8080
      any build completes 2 s after it is first asked for
  python3 -m emulator --default none --build ZB{32 * "1"}:failed:5s
      one build, which fails after 5 s with an 82003 alert; any other is a 404
  python3 -m emulator --fault '404*3' --fault '503 retry-after=2' --fault 'alerts:403*'
      the first four reads of a status meet faults, and Monitor refuses every time
  python3 -m emulator --fault-rate 0.2 --seed 7 --max-concurrent 100
      one reply in five a fault of mixed kinds; a 429 for more than 100 requests at once
  curl -u {api.ACCOUNT_SID}:{api.AUTH_TOKEN} \\
      http://127.0.0.1:8080/v1/Services/demo/Builds/ZB{32 * "1"}/Status
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code, 2 for what cannot be served."""
    try:
        options, port_file = _options(arguments)
        server = Server(options)
    except ValueError as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 2
    try:
        asyncio.run(_serve(server, port_file))
    except OSError as error:
        where = f"{options.host}:{options.port}"
        print(f"emulator: cannot serve on {where}: {error}", file=sys.stderr)
        return 2
    return 0


async def _serve(server: Server, port_file: Path | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await server.start()
    if port_file:
        # Renamed into place, so that whoever waits for the file never reads half a number.
        draft = port_file.with_name(f"{port_file.name}.{os.getpid()}")
        draft.write_text(f"{server.port}\n")
        draft.replace(port_file)
    print(f"emulator listening on {server.url}", flush=True)
    await stop.wait()
    await server.stop()


def _options(arguments: list[str] | None) -> tuple[Options, Path | None]:
    given = _parser().parse_args(arguments)
    script: list[str | dict[str, Any]] = [*given.fault]
    if given.script:
        try:
            script += json.loads(Path(given.script).read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(
                f"--script {given.script} is not a JSON list of faults: {error}"
            ) from error
    services = dict(service.partition("=")[::2] for service in given.service)
    for sid in services:
        if not builds.SERVICE_SID.fullmatch(sid):
            raise ValueError(f"--service {sid} does not begin with a service's SID, ZS + 32 hex")
    options = Options(
        host=given.host,
        port=given.port,
        tls_cert=given.tls_cert,
        tls_key=given.tls_key,
        root=given.root.rstrip("/"),
        credentials=api.Credentials(
            given.account_sid, given.auth_token, given.api_key, given.api_secret
        ),
        services=services,
        builds=[builds.from_text(spec) for spec in given.build],
        default=None if given.default == "none" else given.default,
        script=script,
        fault_rate=given.fault_rate,
        fault_kinds=given.fault_kind,
        seed=given.seed,
        max_concurrent=given.max_concurrent,
        latency=seconds(given.latency),
        keep_alive=seconds(given.keep_alive),
        verbose=given.verbose,
    )
    return options, given.port_file


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m emulator",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="loopback address to listen on (127.0.0.1)")
    add("--port", type=int, default=0, help="port; 0, the default, picks a free one")
    add("--port-file", type=Path, metavar="FILE", help="also write the port to FILE when ready")
    add("--tls-cert", metavar="FILE", help="serve TLS with this certificate (PEM)")
    add("--tls-key", metavar="FILE", help="its private key, if not in the same file")
    add("--root", default="", metavar="PATH", help="path in front of /v1, as behind a gateway")
    add("--account-sid", default=api.ACCOUNT_SID, metavar="SID", help="(%(default)s)")
    add("--auth-token", default=api.AUTH_TOKEN, metavar="TOKEN", help="(%(default)s)")
    add("--api-key", default=api.API_KEY, metavar="SID", help="(%(default)s)")
    add("--api-secret", default=api.API_SECRET, metavar="SECRET", help="(%(default)s)")
    add("--service", action="append", default=[], metavar="SID[=NAME]",
        help="a service that exists; without this option, every one does")  # fmt: skip
    add("--build", action="append", default=[], metavar="SPEC", help="a build, see below")
    add("--default", default="completed:2s", metavar="SPEC",
        help="how builds end that no --build names, or 'none': 404 (%(default)s)")  # fmt: skip
    add("--fault", action="append", default=[], metavar="FAULT",
        help="next entry of the script of faults, see below")  # fmt: skip
    add("--script", metavar="FILE", help="more entries: a JSON list of faults")
    add("--fault-rate", type=float, default=0.0, metavar="RATE",
        help="answer this share of the status requests with faults, at random (0)")  # fmt: skip
    add("--fault-kind", action="append", metavar="FAULT",
        help="a fault to draw; without this option: " + ", ".join(faults.PASSING))  # fmt: skip
    add("--seed", type=int, help="seed of the random faults")
    add("--max-concurrent", type=int, metavar="N",
        help="answer 429 while N requests are being answered")  # fmt: skip
    add("--latency", default="0", metavar="TIME", help="time every answer takes (0)")
    add("--keep-alive", default="60s", metavar="TIME",
        help="close a connection that is idle for so long (%(default)s)")  # fmt: skip
    add("--verbose", action="store_true", help="show each request on standard error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
