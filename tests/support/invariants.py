"""What the contract promises of every run, whatever happens in it."""

import base64
import itertools
import re
import urllib.parse
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.run import Run

OUTPUTS = {
    "outcome": r"completed|failed|invalid|timed-out|rejected|cancelled|error",
    "status": r"(?!(?i:completed|failed)$)[A-Za-z0-9_-]{1,40}|completed|failed|",
    "build-sid": r"ZB[0-9a-fA-F]{32}|",
    "service-sid": r"ZS[0-9a-fA-F]{32}|[A-Za-z0-9_-]{1,255}|",
    "account-sid": r"AC[0-9a-fA-F]{32}|",
    "url": r"https?://[!-~]+/Status|",
    "elapsed-seconds": r"[0-9]+\.[0-9]",
    "polls": r"[0-9]+",
    "reason": r".{0,500}",
    "changes": r"none|some|removals|",
}
EXIT_CODES = {
    "completed": {0, 5},
    "failed": {1},
    "invalid": {2},
    "timed-out": {3},
    "rejected": {4},
    "cancelled": {130, 143},
    "error": {70},
}
ANNOTATION_LIMIT = 4096
SHORTEST_SECRET = 6  # contract.md: a shorter one is not redacted

#: What opens a log command on some CI.
OPENER = re.compile(r"::[^\W\d_]|##(?:vso|teamcity)?\[", re.IGNORECASE)
#: What ends a line, moves the cursor or reorders the text on a screen.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

MASK = re.compile(r"::add-mask::|##vso\[task\.setsecret\]")
#: The tool's own commands on each CI, by the variable that the CI sets.
OWN_COMMANDS = {
    "GITHUB_ACTIONS": r"::(?:error|warning) title=[^:,]+::|::debug::|::group::|::endgroup::$",
    "TF_BUILD": r"##vso\[task\.(?:logissue|setvariable)[^\]]*\]|##\[(?:end)?group\]",
    "TEAMCITY_VERSION": r"##teamcity\[(?:setParameter|buildProblem|message|block\w+)(?= )",
    "GITLAB_CI": r"\x1b\[0Ksection_(?:start|end):\d+:\w+(?:\[[a-z=,]+\])?\r\x1b\[0K",
}


def check(run: "Run") -> None:
    """Raise AssertionError unless a run keeps every promise."""
    assert run.stderr == "", run.stderr
    if run.code != 70:  # the one outcome with a traceback
        assert "Traceback (most recent call last)" not in run.stdout, run.stdout
    assert run.stdout.endswith("\n") or not run.stdout, run.stdout
    own = [command for ci, command in OWN_COMMANDS.items() if run.environ.get(ci)]
    lines = list(itertools.dropwhile(MASK.match, run.lines))
    for line in lines:
        text = re.sub(rf"^(?:{'|'.join(own)})", "", line) if own else line
        assert not OPENER.search(text), line
        assert not UNSAFE.search(text), line
    forms = [form.lower() for form in credential_forms(run.environ)]
    for text in ("\n".join(lines), *run.files.values()):
        assert not [form for form in forms if form in text.lower()], text
    if run.environ.get("GITHUB_ACTIONS"):
        check_annotations(run)
    if "GITHUB_OUTPUT" in run.files:
        check_outputs(run, dict(run.pairs))
    if "output-file" in run.files:
        reason = run.outputs.get("reason", "")
        check_outputs(run, {"reason": reason, **run.output_file})  # dotenv omits the reason


def check_annotations(run: "Run") -> None:
    """GitHub gets one error if the run did not succeed, and no annotation that is too long."""
    errors, warnings = run.commands("error"), run.commands("warning")
    assert len(errors) == (run.code not in {0, 130, 143}), run.stdout
    for annotation in (*errors, *warnings):
        assert annotation.properties["title"], run.stdout
        assert 0 < len(annotation.data) <= ANNOTATION_LIMIT, run.stdout
    assert run.environ.get("RUNNER_DEBUG") == "1" or not run.commands("debug"), run.stdout


def check_outputs(run: "Run", outputs: Mapping[str, object]) -> None:
    """A channel has every output in its format, and the outcome of the exit code."""
    for name, form in OUTPUTS.items():
        assert re.fullmatch(form, str(outputs[name])), (name, outputs, run.stdout)
    assert run.code in EXIT_CODES[str(outputs["outcome"])], (outputs, run.stdout)
    assert outputs["reason"] != "" or run.code in {0, 5}, (outputs, run.stdout)
    assert not UNSAFE.search(str(outputs["reason"])), outputs
    assert not OPENER.search(str(outputs["reason"])), outputs


def credential_forms(environ: Mapping[str, str]) -> set[str]:
    """Return each credential in an environment: as it is, URL-encoded, and in Base64.

    Base64 is that of the secret and of `user:secret`, without padding.
    """
    users, secrets = [], []
    for name, value in environ.items():
        plain = re.sub("^(INPUT|PLUGIN|TWILIO)_", "", name).replace("-", "_")
        if plain in {"ACCOUNT_SID", "API_KEY"}:
            users.append(value.strip())
        elif plain in {"AUTH_TOKEN", "API_SECRET"}:
            secrets.append(value.strip())
        elif login := re.search(r"//[^:/]*:(.+)@", value) if "proxy" in name.lower() else None:
            secrets += [login[1], urllib.parse.unquote(login[1])]
    forms = set()
    for secret in (secret for secret in secrets if len(secret) >= SHORTEST_SECRET):
        forms |= {secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
        for text in (secret, *(f"{user}:{secret}" for user in users)):
            raw = text.encode("utf-8", "surrogateescape")
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                forms.add(encode(raw).decode().rstrip("="))
    return forms
