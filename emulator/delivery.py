"""How each kind of reply goes over the wire: its change to the reply, and its way to send one.

Together the two tables at the end hold every name in `faults.KINDS`; what is in neither is the
honest reply, and what is only in the first is sent as any reply is.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from emulator import resources
from emulator.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from emulator.faults import Fault
    from emulator.wire import Link

    Deliver = Callable[[Fault, Reply, Link], Awaitable[None]]

_MIB = 1024 * 1024
_OVERSIZE = 128 * 1024
_BOMB_MIB = 200
_DRIP = 0.1
_CHUNK = 16
# Long enough apart not to be a load on the machine, close enough to fill any limit soon.
_ENDLESS_PAUSE = 0.005
_OTHER_BUILD = "ZB" + 32 * "e"


def adapt(fault: Fault, honest: Reply) -> Reply:
    """Return the reply that a fault puts in place of the honest one, before any is sent."""
    change = _CHANGES.get(fault.kind)
    return change(fault, honest) if change else honest


async def deliver(fault: Fault, reply: Reply, link: Link) -> None:
    """Send the reply in the fault's way; `link.open` says whether the connection lives on."""
    await _WAYS.get(fault.kind, _plainly)(fault, reply, link)


def _other_reply(fault: Fault, honest: Reply) -> Reply:
    if fault.body is not None:
        reply = Reply(fault.status, fault.body, {"Content-Type": "application/json"})
    elif fault.status < 400 and not (fault.code or fault.message or fault.shape):  # noqa: PLR2004 - no error
        reply = replace(honest, status=fault.status)
    else:
        reply = resources.error(
            fault.status, code=fault.code, message=fault.message, shape=fault.shape
        )
    return Reply(reply.status, reply.body, fault.headers).adding(reply.headers)


def _merged(fault: Fault, honest: Reply) -> Reply:
    content = json.loads(honest.body)
    if honest.status != 200 or not isinstance(content, dict):  # noqa: PLR2004 - HTTP's OK
        return honest
    fields = fault.fields if fault.kind == "merge" else {"sid": _OTHER_BUILD}
    return resources.json_reply(200, {**content, **fields})


def _login_page(_: Fault, __: Reply) -> Reply:
    return resources.error(200, message="Please log in", shape="html")


def _empty(_: Fault, honest: Reply) -> Reply:
    return replace(honest, body=b"")


def _oversize(_: Fault, honest: Reply) -> Reply:
    return replace(honest, body=b" " * _OVERSIZE + honest.body)


def _gzip_bomb(_: Fault, honest: Reply) -> Reply:
    bomb = _space_bomb() * _BOMB_MIB + _gzip(honest.body)
    return Reply(honest.status, bomb, {**honest.headers, "Content-Encoding": "gzip"})


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)  # 16: with gzip's own header
    return packer.compress(data) + packer.flush()


@cache
def _space_bomb() -> bytes:
    """Return one MiB of spaces, gzipped; members of a gzip stream may simply follow each other."""
    return _gzip(b" " * _MIB)


def _chunks(data: bytes) -> bytes:
    pieces = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def _chunked(reply: Reply) -> Reply:
    return reply.adding({"Transfer-Encoding": "chunked"})


async def _plainly(_: Fault, reply: Reply, link: Link) -> None:
    await link.send(reply.encode())


async def _in_chunks(_: Fault, reply: Reply, link: Link) -> None:
    await link.send(_chunked(reply).head() + _chunks(reply.body) + b"0\r\n\r\n")


async def _then_stale(_: Fault, reply: Reply, link: Link) -> None:
    await link.send(reply.encode())
    link.stale = True


async def _raw(fault: Fault, _: Reply, link: Link) -> None:
    await link.send(fault.raw)
    link.close()


async def _garbage(_: Fault, __: Reply, link: Link) -> None:
    await link.send(b"\x16\x03\x01 SSH-2.0-not-http\r\n\x00\xff\xfe\r\n\r\n")
    link.close()


async def _close(_: Fault, __: Reply, link: Link) -> None:
    link.close()


async def _half_close(_: Fault, __: Reply, link: Link) -> None:
    link.half_close()
    await link.until_client_leaves()
    link.close()


async def _cut(_: Fault, reply: Reply, link: Link) -> None:
    await link.send(_first_half_of_body(reply))
    link.close()


async def _chunk_cut(_: Fault, reply: Reply, link: Link) -> None:
    await link.send(_chunked(reply).head() + _chunks(reply.body)[: len(reply.body) // 2])
    link.close()


async def _reset(_: Fault, __: Reply, link: Link) -> None:
    link.reset()


async def _reset_in_head(_: Fault, reply: Reply, link: Link) -> None:
    await _send_and_reset(link, reply.encode()[:40])


async def _reset_in_body(_: Fault, reply: Reply, link: Link) -> None:
    await _send_and_reset(link, _first_half_of_body(reply))


async def _hang(fault: Fault, _: Reply, link: Link) -> None:
    await _say_nothing(link, fault.span)


async def _hang_in_body(fault: Fault, reply: Reply, link: Link) -> None:
    await link.send(reply.head(length=len(reply.body)))
    await _say_nothing(link, fault.span)


async def _drip_head(fault: Fault, reply: Reply, link: Link) -> None:
    await link.send_slowly(reply.encode(), _DRIP if fault.span is None else fault.span)


async def _drip_body(fault: Fault, reply: Reply, link: Link) -> None:
    await link.send(reply.head(length=len(reply.body)))
    await link.send_slowly(reply.body, _DRIP if fault.span is None else fault.span)


async def _endless_head(_: Fault, reply: Reply, link: Link) -> None:
    await link.send(reply.head().removesuffix(b"\r\n"))
    await _send_for_ever(link, b"X-Filler: " + b"x" * 1000 + b"\r\n")


async def _endless_body(_: Fault, reply: Reply, link: Link) -> None:
    await link.send(_chunked(reply).head())
    await _send_for_ever(link, b"1000\r\n" + b" " * 0x1000 + b"\r\n")


def _first_half_of_body(reply: Reply) -> bytes:
    return reply.head(length=len(reply.body)) + reply.body[: len(reply.body) // 2]


async def _send_and_reset(link: Link, data: bytes) -> None:
    await link.send(data)
    link.reset()


async def _say_nothing(link: Link, span: float | None) -> None:
    try:
        async with asyncio.timeout(span):
            await link.until_client_leaves()
    except TimeoutError:
        pass
    link.close()


async def _send_for_ever(link: Link, piece: bytes) -> None:
    while True:
        await link.send(piece)
        await asyncio.sleep(_ENDLESS_PAUSE)


_WAYS: dict[str, Deliver] = {
    "chunked": _in_chunks,
    "stale": _then_stale,
    "raw": _raw,
    "garbage": _garbage,
    "close": _close,
    "half-close": _half_close,
    "cut": _cut,
    "chunk-cut": _chunk_cut,
    "reset": _reset,
    "reset-head": _reset_in_head,
    "reset-body": _reset_in_body,
    "hang": _hang,
    "hang-body": _hang_in_body,
    "drip-head": _drip_head,
    "drip-body": _drip_body,
    "endless-head": _endless_head,
    "endless": _endless_body,
}

_CHANGES: dict[str, Callable[[Fault, Reply], Reply]] = {
    "reply": _other_reply,
    "merge": _merged,
    "other-build": _merged,
    "html": _login_page,
    "empty": _empty,
    "oversize": _oversize,
    "gzip-bomb": _gzip_bomb,
}
