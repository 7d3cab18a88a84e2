"""Credentials: masked first, and shown nowhere else, whatever a server or a proxy sends back.

`tests/unit/test_credentials.py` has the spellings of a credential.
"""

from base64 import b64encode
from html import unescape
from urllib.parse import quote, unquote

import pytest

from tests.integration.conftest import Tool
from tests.support import samples
from tests.support.invariants import MASK
from tests.support.run import Run, run_inside
from tests.support.samples import ACCOUNT_SID, API_KEY, SECRET, TOKEN, build_status, twilio_error
from tests.support.server import Response, Step

KEY = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}
REFUSAL = twilio_error()


def base64(text: str) -> str:
    return b64encode(text.encode()).decode()


# Both credentials in several forms in which a server could send them back.
FLOOD = f"{TOKEN} {SECRET} {base64(TOKEN)} {base64(f'{API_KEY}:{SECRET}')} "
FLOOD += f"{quote(SECRET, safe='')} {''.join(f'%{ord(each):02x}' for each in TOKEN)}"


def assert_nothing_leaks(run: Run) -> None:
    """Nine characters of a credential in a row are too many: a cut must not leave a part."""
    lines = [line for line in run.lines if not MASK.match(line)]
    shown = "\n".join([*lines, *run.files.values()])
    shown += unescape(unquote(shown)) + unescape(unquote(unquote(shown)))
    for secret in (TOKEN, SECRET):
        for form in (secret, quote(secret, safe=""), b64encode(secret.encode()).decode()):
            parts = (form[start : start + 9].lower() for start in range(len(form) - 8))
            assert not [part for part in parts if part in shown.lower()], shown


def test_masks_come_first_whatever_the_inputs_are(tool: Tool) -> None:
    token = "100%0Aof%25it:::,%"
    run = tool.run(code=2, TWILIO_AUTH_TOKEN=token, TWILIO_BUILD_SID="x")
    assert run.lines[2].startswith("twilio-build-wait ")
    masks = [mask.data for mask in run.commands("add-mask")]
    # No SID: GitHub drops outputs that contain a masked value.
    assert masks == [token, base64(f"{ACCOUNT_SID}:{token}")]


ECHOES: dict[str, Step] = {
    "message and detail": twilio_error(message=FLOOD, detail=FLOOD),
    "message of a transient error": twilio_error(503, message=FLOOD),
    "request id": twilio_error(request_id=f"RQ{TOKEN}"),
    "redirect": Response(302, headers={"Location": f"https://{TOKEN}.test/{FLOOD}"}),
    "cookie": Response(401, headers={"Set-Cookie": f"a={FLOOD}; Expires=Mon, 01 Foo 2030"}),
    "Content-Length": Response(200, headers={"Content-Length": FLOOD}).raw,
    "chunk": Response(200, FLOOD.encode() + b"\r\n", {"Transfer-Encoding": "chunked"}),
    "status line": f"HTTP/1.1 {FLOOD}\r\n\r\n".encode(),
    "no JSON": Response(200, FLOOD.encode()),
    "duplicate keys": Response(200, f'{{"{TOKEN}": 1, "{TOKEN}": 2}}'.encode()),
    "status": build_status(FLOOD),
    "account, service and url": build_status(
        account_sid=FLOOD, service_sid=FLOOD, url=f"https://{quote(TOKEN, safe='')}.twilio.com/"
    ),
}


@pytest.mark.parametrize("answer", ECHOES.values(), ids=ECHOES)
def test_credentials_in_a_response_are_shown_nowhere(tool: Tool, answer: Step) -> None:
    tool |= {**KEY, "RUNNER_DEBUG": "1"}
    assert_nothing_leaks(tool.run(answer, REFUSAL, code=4))


@pytest.mark.parametrize("ci", ["TF_BUILD", "TEAMCITY_VERSION", "CI"])
def test_credentials_in_a_response_are_shown_in_no_other_log(tool: Tool, ci: str) -> None:
    other = tool.elsewhere(ci) | KEY
    assert_nothing_leaks(other.run(build_status(TOKEN), twilio_error(message=FLOOD), code=4))


def test_a_cut_leaves_no_part_of_a_credential(tool: Tool) -> None:
    # A cut at 500 characters would leave 15 of a token.
    assert_nothing_leaks(tool.run(twilio_error(message="m" * 235 + TOKEN * 12), code=4))


def test_diagnosis_shows_no_credential(tool: Tool) -> None:
    texts = [f"Msg={quote(FLOOD)}", f"Msg={'m' * 495}{quote(TOKEN)}", f"raw {FLOOD}"]
    alerts = [samples.alert(alert_text=text) for text in texts]
    build = samples.build(runtime=FLOOD, dependencies=[{"name": FLOOD, "version": TOKEN}])
    tool.server.script(samples.json_response(build), path=samples.BUILD_PATH)
    tool.server.script(samples.page("alerts", *alerts), path=samples.ALERTS_PATH)
    run = (tool | KEY).run(build_status("failed"), code=1, TWILIO_BUILD_DIAGNOSE="true")
    assert "Alert about this build" in run.stdout
    assert_nothing_leaks(run)


PASSWORD = "hunter22/proxy+pass"
ADDRESS = "http://me:{}@127.0.0.1:{}"
PROXIES: dict[str, tuple[str, Step, int]] = {
    "refuses": (ADDRESS, f"HTTP/1.1 407 {PASSWORD}\r\n\r\n".encode(), 4),
    "fails": (ADDRESS, f"HTTP/1.1 502 {PASSWORD}\r\n\r\n{PASSWORD}".encode(), 3),
    "is no host": ("http://me:{}@[127.0.0.1:{}", b"", 4),
    "speaks SOCKS": ("socks5h://me:{}@127.0.0.1:{}", b"", 4),
}


@pytest.mark.parametrize("case", PROXIES)
def test_password_of_a_proxy_is_shown_nowhere(tool: Tool, case: str) -> None:
    address, answer, code = PROXIES[case]
    del tool.environ["TWILIO_BASE_URL"]
    proxy = address.format(quote(PASSWORD, safe=""), tool.server.port)
    run = tool.run(answer, code=code, HTTPS_PROXY=proxy, TWILIO_BUILD_TIMEOUT="0")
    assert "hunter22" not in run.stdout + "".join(run.files.values())


def test_traceback_of_a_bug_shows_no_credential(tool: Tool) -> None:
    def fail(_low: float, _high: float) -> float:
        raise RuntimeError(FLOOD, {"token": TOKEN})

    tool.server.script(build_status())
    run = run_inside((tool | KEY).environ, tool.server, uniform=fail)
    assert run.code == 70
    assert "RuntimeError" in run.stdout
    assert_nothing_leaks(run)
