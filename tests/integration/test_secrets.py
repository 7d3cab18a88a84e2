"""Credentials: masked first, and shown nowhere else, whatever a server or a proxy sends back.

`tests/unit/test_redaction.py` has the forms of a credential.
"""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from tests.integration.conftest import Tool
from tests.support.run import Run, run_inside
from tests.support.samples import (
    ACCOUNT_SID,
    ALERTS_PATH,
    API_KEY,
    BUILD_PATH,
    BUILD_SID,
    SECRET,
    SERVICE_SID,
    TOKEN,
    alert,
    build,
    build_status,
    json_response,
    page,
    twilio_error,
    without_github,
)
from tests.support.server import Response, Server, Step

COMPLETED = build_status("completed")
KEY = {"TWILIO_API_KEY": API_KEY, "TWILIO_API_SECRET": SECRET}


def login(user: str, secret: str) -> str:
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


def flood() -> str:
    """Return every form in which a server could send the credentials back."""
    forms = []
    for user, secret in ((ACCOUNT_SID, TOKEN), (API_KEY, SECRET)):
        pair, encoded = f"{user}:{secret}", base64.b64encode(secret.encode()).decode()
        forms += [secret, secret.upper(), pair, encoded, login(user, secret)]
        forms += [encoded.rstrip("="), login(user, secret).rstrip("=")]
        forms += [base64.urlsafe_b64encode(pair.encode()).decode(), quote(encoded, safe="")]
        forms += [quote(secret), quote(secret, safe="").lower(), quote_plus(pair)]
    return " ".join(forms)


FLOOD = flood()


def masks(run: Run) -> list[str]:
    return [mask.data for mask in run.commands("add-mask")]


def assert_nothing_leaks(run: Run) -> None:
    """Nine characters of a credential in a row are too many: a cut must not leave a part."""
    lines = [line for line in run.lines if not line.startswith(("::add-mask::", "##vso[task.sets"))]
    shown = "\n".join([*lines, *run.files.values()]).lower()
    for secret in (TOKEN, SECRET):
        for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
            parts = (form[start : start + 9].lower() for start in range(len(form) - 8))
            assert not [part for part in parts if part in shown], shown


def test_masks_come_first(tool: Tool) -> None:
    run = (tool | KEY).run(COMPLETED)
    assert run.lines[4].startswith("twilio-build-wait ")
    expected = {TOKEN, SECRET, login(ACCOUNT_SID, TOKEN), login(API_KEY, SECRET)}
    assert set(masks(run)) == expected  # no SID: GitHub drops outputs with a masked value


def test_masks_come_first_with_invalid_inputs(tool: Tool) -> None:
    token = "100%0Aof%25it:::,%"
    run = tool.run(code=2, TWILIO_AUTH_TOKEN=token, TWILIO_BUILD_SID="x")
    assert masks(run) == [token, login(ACCOUNT_SID, token)]
    assert run.lines[0].startswith("::add-mask::")


def test_short_secret_is_a_warning_and_not_hidden(tool: Tool) -> None:
    for token, warned in (("dead5", ["auth-token"]), ("dead56", [])):
        run = tool.run(COMPLETED, TWILIO_AUTH_TOKEN=token)
        assert [warning.data.split()[0] for warning in run.commands("warning")] == warned
        assert (token in masks(run)) == (not warned)
    run = tool.run(COMPLETED, TWILIO_AUTH_TOKEN="dead")
    assert BUILD_SID in run.stdout  # not ZB***beef…


def error(status: int = 401, **fields: object) -> Response:
    return json_response({"code": 20003, "message": "no", "status": status} | fields, status)


ECHOES: dict[str, Step] = {
    "message and detail": error(message=FLOOD, detail=FLOOD),
    "message of a transient error": error(503, message=FLOOD),
    "escapes of JSON": Response(
        401, ('{"code":1,"message":"' + "".join(f"\\u{ord(c):04x}" for c in TOKEN) + '"}').encode()
    ),
    "request id": twilio_error(401, 1, "no", **{"Twilio-Request-Id": f"RQ{TOKEN}"}),
    "redirect": Response(302, headers={"Location": f"https://{TOKEN}.test/{FLOOD}"}),
    "cookie": Response(401, headers={"Set-Cookie": f"a={FLOOD}; Expires=Mon, 01 Foo 2030"}),
    "Content-Length": Response(200, headers={"Content-Length": FLOOD}).raw,
    "chunk": Response(200, FLOOD.encode() + b"\r\n", {"Transfer-Encoding": "chunked"}),
    "status line": f"HTTP/1.1 {FLOOD}\r\n\r\n".encode(),
    "no JSON": Response(200, FLOOD.encode()),
    "duplicate keys": Response(200, f"{{{json.dumps(TOKEN)}: 1, {json.dumps(TOKEN)}: 2}}".encode()),
    "status": build_status(FLOOD),
    "status of one word": build_status(TOKEN),
    "account and service": build_status(account_sid=FLOOD, service_sid=FLOOD),
    "url": build_status(url=f"https://{quote(TOKEN, safe='')}.twilio.com/"),
}


@pytest.mark.parametrize("answer", ECHOES.values(), ids=ECHOES)
def test_credentials_in_a_response_are_shown_nowhere(
    server: Server, environ: dict[str, str], answer: Step
) -> None:
    server.script(answer)
    debug = {"TWILIO_BUILD_TIMEOUT": "0", "RUNNER_DEBUG": "1"}
    run = run_inside(environ | KEY | debug, server)
    assert run.code in {3, 4}
    assert_nothing_leaks(run)


@pytest.mark.parametrize("ci", ["TF_BUILD", "TEAMCITY_VERSION", "CI"])
def test_credentials_in_a_response_are_shown_in_no_other_log(
    server: Server, environ: dict[str, str], ci: str
) -> None:
    server.script(build_status(TOKEN), error(message=FLOOD))
    run = run_inside(without_github(environ) | KEY | {ci: "true"}, server)
    assert run.code == 4
    assert_nothing_leaks(run)


@pytest.mark.slow
def test_a_cut_leaves_no_part_of_a_credential(tool: Tool) -> None:
    for length in range(250, 510, 20):  # across the places where the message is cut
        assert_nothing_leaks(tool.run(error(message="m" * length + TOKEN), code=4))


def test_credential_becomes_no_output(tool: Tool) -> None:
    word = "0123456789abcdef" * 2
    tool |= {"TWILIO_AUTH_TOKEN": word, "TWILIO_ACCOUNT_SID": "AC" + "7" * 32}
    answer = build_status(word, account_sid=f"AC{word}", service_sid=f"ZS{word}")
    run = tool.run(answer, code=3, TWILIO_BUILD_TIMEOUT="0")
    assert run.outputs["status"] == run.outputs["account-sid"] == ""
    assert run.outputs["service-sid"] == SERVICE_SID


def test_diagnosis_shows_no_credential(tool: Tool) -> None:
    versions = [{"name": FLOOD, "version": TOKEN}]
    alerts = [alert(alert_text=f"Msg={quote(text)}") for text in (FLOOD, "m" * 495 + TOKEN)]
    resource = json_response(build(runtime=FLOOD, dependencies=versions))
    tool.server.script(resource, path=BUILD_PATH)
    tool.server.script(page("alerts", *alerts, alert(alert_text=f"raw {FLOOD}")), path=ALERTS_PATH)
    run = (tool | KEY).run(build_status("failed"), code=1, TWILIO_BUILD_DIAGNOSE="true")
    assert run.stdout.count("Alert about this build") == 3
    assert_nothing_leaks(run)


PASSWORD = "hunter22/proxy+pass"
PROXIES: dict[str, tuple[str, Step, int]] = {
    "refuses": ("http://me:{}@127.0.0.1:{}", Response(407, phrase=PASSWORD), 4),
    "fails": ("http://me:{}@127.0.0.1:{}", Response(502, PASSWORD.encode(), phrase=PASSWORD), 3),
    "is no host": ("http://me:{}@[127.0.0.1:{}", b"", 4),
    "speaks SOCKS": ("socks5h://me:{}@127.0.0.1:{}", b"", 4),
}


@pytest.mark.parametrize("address, answer, code", PROXIES.values(), ids=PROXIES)
def test_password_of_a_proxy_is_shown_nowhere(
    tool: Tool, address: str, answer: Step, code: int
) -> None:
    del tool.environ["TWILIO_BASE_URL"]
    proxy = address.format(quote(PASSWORD, safe=""), tool.server.port)
    run = tool.run(answer, code=code, HTTPS_PROXY=proxy, TWILIO_BUILD_TIMEOUT="0")
    assert "hunter22" not in run.stdout + "".join(run.files.values())


def test_traceback_of_a_bug_shows_no_credential(tool: Tool) -> None:
    def fail(_low: float, _high: float) -> float:
        raise RuntimeError(FLOOD, {"token": TOKEN})

    run = (tool | KEY).run(build_status(), code=70, uniform=fail)
    assert "Traceback (most recent call last)" in run.stdout
    assert "RuntimeError" in run.stdout
    assert run.outputs["outcome"] == "error"
    assert_nothing_leaks(run)
