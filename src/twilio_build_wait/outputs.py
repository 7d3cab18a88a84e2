"""The outputs: their names, their variables outside GitHub, and their values."""

from twilio_build_wait.model import Outcome, Progress

#: Every output in the order in which it is written, with its meaning for `--help`.
OUTPUTS = {
    "outcome": "completed, failed, invalid, timed-out, rejected, cancelled or error",
    "status": "the last status that Twilio reported, such as building",
    "build-sid": "the build waited for; with latest, empty until it is known",
    "service-sid": "the service's SID as Twilio reports it; until then the input",
    "account-sid": "the account's SID as Twilio reports it",
    "url": "the address of the Build Status resource",
    "elapsed-seconds": "the time waited, in seconds with one decimal",
    "polls": "the polls started, failed ones included",
    "reason": "one line for a person; empty when completed",
    "changes": "none, some or removals: what deploying would change in environment-sid",
}
#: The outputs that are numbers in JSON, and never empty.
NUMBERS = ("elapsed-seconds", "polls")


def variable(output: str) -> str:
    """Return the environment variable that carries an output outside GitHub."""
    return "TWILIO_BUILD_WAIT_" + output.upper().replace("-", "_")


def outputs(progress: Progress, outcome: Outcome | None = None) -> dict[str, str]:
    """Return every output as text; `changes`, which is found later, is empty."""
    return {
        "outcome": outcome.ending.outcome if outcome else "",
        "status": progress.status,
        "build-sid": progress.build_sid,
        "service-sid": progress.service_sid,
        "account-sid": progress.account_sid,
        "url": progress.url,
        "elapsed-seconds": f"{progress.elapsed:.1f}",
        "polls": str(progress.polls),
        "reason": outcome.reason.fit() if outcome else "",
        "changes": "",
    }
