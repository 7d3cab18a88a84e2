import base64

import pytest

from emulator import delivery, faults
from emulator.faults import Fault, RandomFaults, Script
from emulator.resources import error, json_reply
from emulator.wire import Reply


@pytest.mark.parametrize(
    "spec, expected",
    [
        ("ok", Fault()),
        ("500", Fault(kind="reply", status=500, label="500")),
        (
            "503 retry-after=2 delay=500ms",
            Fault(kind="reply", status=503, headers={"Retry-After": "2"}, delay=0.5),
        ),
        ("503 retry-after='Wed, 1 Apr 2026'", None),
        ("reset*3", Fault(kind="reset", times=3)),
        ("any:hang=2s*", Fault(kind="hang", route="any", span=2, times=None)),
        ("hang", Fault(kind="hang")),
        ("alerts:403*", Fault(kind="reply", status=403, route="alerts", times=None)),
        ("status=COMPLETED", Fault(kind="merge", fields={"status": "COMPLETED"})),
        ("status:status=", Fault(kind="merge", fields={"status": ""})),
        (
            "404 code=1 message='gone for good' shape=problem",
            Fault(kind="reply", status=404, code=1, message="gone for good", shape="problem"),
        ),
        ("200 body=hello", Fault(kind="reply", body=b"hello")),
        ({"status": 429}, Fault(kind="reply", status=429)),
        ({"json": [1], "on": "build"}, Fault(kind="reply", body=b"[1]", route="build")),
        ('{"raw": "x\\r\\n\u00e9"}', Fault(kind="raw", raw=b"x\r\n\xc3\xa9")),
        (
            {"body_base64": base64.b64encode(b"\xff\xfe").decode(), "times": None},
            Fault(kind="reply", body=b"\xff\xfe", times=None),
        ),
        ({"merge": {"sid": None}, "delay": 1}, Fault(kind="merge", fields={"sid": None}, delay=1)),
        ({"kind": "drip-body", "span": "1s"}, Fault(kind="drip-body", span=1)),
    ],
)
def test_faults_are_read(spec: str, expected: Fault | None) -> None:
    if expected is None:
        expected = Fault(kind="reply", status=503, headers={"Retry-After": "Wed, 1 Apr 2026"})
    parsed = vars(Fault.parse(spec)) | {"label": ""}
    assert parsed == vars(expected) | {"label": ""}


@pytest.mark.parametrize(
    "spec, complaint",
    [
        ("", "not a fault"),
        ("explode", "'explode' is not a kind of fault: ok, chunked"),
        ("reset=3s", "reset takes no time"),
        ("hang=long", "duration"),
        ("500 quickly", "OPTION=VALUE"),
        ("99", "three digits"),
        ("1000", "three digits"),
        ("500 shape=round", "'round' is not a shape of error: plain, detail"),
        ({"on": "moon"}, "'moon' is not a route"),
        ({"status": 500, "colour": "red"}, "a fault has no colour"),
        ({"headers": 3}, "not a fault"),
        ({"merge": 3}, "not a fault"),
        (3, "not a fault"),
        ("{", "Expecting"),
    ],
)
def test_what_is_no_fault(spec: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Fault.parse(spec)


def test_a_script_is_a_list() -> None:
    with pytest.raises(ValueError, match="list of faults"):
        Script.parse("500")


def labels(script: Script, *routes: str) -> list[str]:
    return [fault.label if (fault := script.take(route)) else "-" for route in routes]


def test_a_script_is_consumed_in_order_and_each_route_has_its_own() -> None:
    script = Script.parse(["500*2", "alerts:403", "any:close", "reset", "404*0"])
    assert labels(script, "status", "alerts", "status", "status") == [
        "500*2", "alerts:403", "500*2", "reset",
    ]  # fmt: skip
    assert labels(script, "unknown", "status", "alerts") == ["any:close", "-", "-"]


def test_a_script_can_go_on_for_ever_and_be_extended() -> None:
    script = Script.parse(["build:500*"])
    script.extend(Script.parse(["404"]))
    assert labels(script, "build", "build", "status", "build", "status") == [
        "build:500*", "build:500*", "404", "build:500*", "-",
    ]  # fmt: skip


def test_random_faults_come_at_their_rate_and_again_with_the_same_seed() -> None:
    def draw(seed: int) -> list[str]:
        chance = RandomFaults(0.2, None, seed)
        return [fault.label if (fault := chance.take("status")) else "-" for _ in range(5000)]

    drawn = draw(7)
    assert drawn == draw(7) != draw(8)
    # Five standard deviations of a binomial draw.
    assert abs(drawn.count("-") - 4000) < 5 * (5000 * 0.2 * 0.8) ** 0.5
    assert set(drawn) == {"-", *faults.PASSING}


def test_random_faults_keep_to_their_route_and_a_rate_is_a_share() -> None:
    chance = RandomFaults(1, ["alerts:500"], None)
    assert chance.take("status") is None
    assert chance.take("alerts") is not None
    for rate in (-0.1, 1.1):
        with pytest.raises(ValueError, match="between 0 and 1"):
            RandomFaults(rate, None, None)


def test_random_faults_are_none_that_end_a_wait() -> None:
    for spec in faults.PASSING:
        fault = Fault.parse(spec)
        assert fault.kind != "merge"
        assert fault.status in {200, 408, 429} or fault.status >= 500
        assert fault.span is None or fault.span <= 1


HONEST = json_reply(200, {"sid": "ZB1", "status": "building"})


@pytest.mark.parametrize(
    "spec, expected",
    [
        ("ok", HONEST),
        ("reset", HONEST),
        ("status=QUEUED", json_reply(200, {"sid": "ZB1", "status": "QUEUED"})),
        ({"merge": {"sid": None}}, json_reply(200, {"sid": None, "status": "building"})),
        ("other-build", json_reply(200, {"sid": "ZB" + 32 * "e", "status": "building"})),
        ("500", error(500)),
        ("206", Reply(206, HONEST.body, HONEST.headers)),
        ("empty", Reply(200, b"", HONEST.headers)),
        ("200 body=x content-type=text/plain", Reply(200, b"x", {"Content-Type": "text/plain"})),
    ],
)
def test_what_a_fault_makes_of_the_honest_reply(
    spec: str | dict[str, object], expected: Reply
) -> None:
    assert delivery.adapt(Fault.parse(spec), HONEST) == expected


def test_a_refusal_is_not_merged_into() -> None:
    refusal = error(401)
    assert delivery.adapt(Fault.parse("status=completed"), refusal) is refusal


def test_headers_are_written_as_given_and_an_honest_length_is_added() -> None:
    reply = Reply(200, b"ab", {"date": "then"}).adding({"Date": "now", "Server": "x"})
    assert reply.encode() == (
        b"HTTP/1.1 200 OK\r\nServer: x\r\ndate: then\r\nContent-Length: 2\r\n\r\nab"
    )
    assert Reply(200, b"ab", {"Content-Length": "9"}).encode().count(b"ontent-Length") == 1
    assert Reply(204, b"ab").encode() == b"HTTP/1.1 204 No Content\r\n\r\n"
    assert Reply(799).encode().startswith(b"HTTP/1.1 799 Unknown\r\n")
