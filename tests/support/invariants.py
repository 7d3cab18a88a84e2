"""What the contract promises of every run, whatever happens in it."""

import itertools
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote

from twilio_build_wait.model import Ending

if TYPE_CHECKING:
    from tests.support.run import Run

#: Each output's format.
OUTPUTS = {
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
#: What starts a log command on some CI.
COMMAND_PREFIX = re.compile(r"::[^\W\d_]|##(?:vso|teamcity)?\[", re.IGNORECASE)
#: What ends a line, moves the cursor or reorders the text on a screen.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

MASK = re.compile(r"::add-mask::|##vso\[task\.setsecret\]")
#: The start of every command that the tool writes after the masks, by the variable of the CI.
OWN_COMMANDS = {
    "GITHUB_ACTIONS": r"::(?:error|warning|notice) title=[^:,]+::|::debug::",
    "TF_BUILD": (
        r"##vso\[task\.logissue type=(?:error|warning)\]"
        r"|##vso\[task\.setvariable variable=TWILIO_BUILD_WAIT_[A-Z_]+(?:;isOutput=true)?\]"
    ),
    "TEAMCITY_VERSION": r"##teamcity\[(?:setParameter|buildProblem|message)(?= )",
}


def check(run: "Run") -> None:
    """Raise AssertionError unless a run keeps every promise."""
    assert run.stderr == "", run.stderr
    if run.code != 70:  # the one outcome with a traceback
        assert "Traceback (most recent call last)" not in run.stdout, run.stdout
    assert run.stdout.endswith("\n") or not run.stdout, run.stdout
    # GitHub's variable counts before Azure's, and Azure's before TeamCity's.
    own = next((form for ci, form in OWN_COMMANDS.items() if run.environ.get(ci)), "(?!)")
    lines = list(itertools.dropwhile(MASK.match, run.lines))
    for line in lines:
        text = re.sub(f"^(?:{own})", "", line)
        assert not COMMAND_PREFIX.search(text), line
        assert not UNSAFE.search(text), line
    forms = [form.lower() for form in credential_forms(run.environ)]
    for text in ("\n".join(lines), *run.files.values()):
        shown = [form for form in forms if form in text.lower()]
        assert not shown, f"{shown} in:\n{text}"
    if run.environ.get("GITHUB_ACTIONS"):
        check_annotations(run)
    if run.code == 5:
        return  # an output was lost
    if "GITHUB_OUTPUT" in run.files:
        check_outputs(run, dict(run.pairs))
    if run.files.get("output-file", "").startswith("{"):
        check_outputs(run, run.output_file)


def check_annotations(run: "Run") -> None:
    """GitHub gets one error if the run did not succeed, and no annotation that is too long.

    A build that nobody waits for, and that is not finished, is a notice instead.
    """
    errors, notices = run.commands("error"), run.commands("notice")
    assert len(errors) + len(notices) == (run.code not in {0, 130, 143}), run.stdout
    assert not notices or run.code == 3, run.stdout
    for annotation in (*errors, *notices, *run.commands("warning")):
        assert annotation.title, run.stdout
        assert 0 < len(annotation.data) <= 4096, run.stdout
    assert run.environ.get("RUNNER_DEBUG") == "1" or not run.commands("debug"), run.stdout


def check_outputs(run: "Run", outputs: Mapping[str, object]) -> None:
    """A channel has every output in its format, and the outcome of the exit code."""
    for name, form in OUTPUTS.items():
        assert re.fullmatch(form, str(outputs[name])), (name, outputs, run.stdout)
    outcomes = {ending.exit_code: ending.outcome for ending in Ending}
    assert outputs["outcome"] == outcomes[run.code], (outputs, run.stdout)
    assert (outputs["reason"] == "") == (run.code == 0), (outputs, run.stdout)
    assert not UNSAFE.search(str(outputs["reason"])), outputs
    assert not COMMAND_PREFIX.search(str(outputs["reason"])), outputs


def credential_forms(environ: Mapping[str, str]) -> set[str]:
    """Return each credential in an environment: as it is, URL-encoded, and in Base64.

    Base64 is that of the secret and of `user:secret`, without padding.
    """
    users = [value for name, value in environ.items() if re.search("ACCOUNT.SID|API.KEY", name)]
    secrets = [value for name, value in environ.items() if re.search("AUTH.TOKEN|API.SECRET", name)]
    for name, value in environ.items():
        if name.lower().endswith("_proxy"):
            secrets += re.findall("//[^:/]*:(.{8,})@", value)
    forms = set()
    for secret in (plain.strip() for form in secrets for plain in (form, unquote(form))):
        if len(secret) >= 6:  # shorter ones are not redacted
            forms |= {secret, quote(secret, safe=""), quote_plus(secret)}
            for text in (secret, *(f"{user.strip()}:{secret}" for user in users)):
                raw = text.encode("utf-8", "surrogateescape")
                encoded = (b64encode(raw), urlsafe_b64encode(raw))
                forms |= {form.decode().rstrip("=") for form in encoded}
    return forms
