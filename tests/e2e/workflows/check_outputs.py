"""A later step of wait.yml: hold the outputs of the steps before it against what they must be.

Each step comes in an environment variable as JSON, with its outputs, outcome and conclusion.
Prints a line for each; AssertionError, and so exit 1, when one is otherwise.
"""

import json
import os
import re
from pathlib import Path

NAMES = {
    "outcome",
    "status",
    "build-sid",
    "service-sid",
    "account-sid",
    "url",
    "elapsed-seconds",
    "polls",
    "reason",
}


def check(variable: str, build_sid: str, status: str) -> dict[str, str]:
    """Hold one step's outputs against its verdict; the outputs."""
    step = json.loads(os.environ[variable])
    outputs: dict[str, str] = step["outputs"]
    account, service = os.environ["ACCOUNT_SID"], os.environ["SERVICE_SID"]
    path = f"/v1/Services/{service}/Builds/{build_sid}/Status"
    assert set(outputs) == NAMES, outputs
    assert outputs["outcome"] == outputs["status"] == status, outputs
    assert outputs["build-sid"] == build_sid, outputs
    assert outputs["service-sid"] == service, outputs
    assert outputs["account-sid"] == account, outputs
    assert outputs["url"].endswith(path), outputs
    assert re.fullmatch(r"\d+\.\d", outputs["elapsed-seconds"]), outputs
    assert int(outputs["polls"]) >= 1, outputs
    assert (outputs["reason"] == "") == (status == "completed"), outputs
    # GitHub's own words for how the step went; continue-on-error turns only the conclusion.
    assert step["outcome"] == ("success" if status == "completed" else "failure"), step
    assert step["conclusion"] == "success", step
    print(f"{variable}: {outputs['outcome']} after {outputs['polls']} polls: {outputs['reason']!r}")
    return outputs


completes, fails, by_environment = os.environ["BUILDS"].split()
first = check("COMPLETES", completes, "completed")
check("FAILS", fails, "failed")
check("BY_ENVIRONMENT", by_environment, "completed")
written = json.loads(Path("completes.json").read_text(encoding="utf-8"))
assert {name: str(value) for name, value in written.items()} == first, written
print("all outputs are what they must be")
