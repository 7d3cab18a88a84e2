"""What only the emulator's users see; test_examples.py shows the rest."""

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import requests

from emulator import API_KEY, API_SECRET, Emulator
from tests.support.run import REPOSITORY

BUILD = "ZB" + 32 * "b"
STATUS = f"/v1/Services/demo/Builds/{BUILD}/Status"


def get(url: str) -> requests.Response:
    return requests.get(url, auth=(API_KEY, API_SECRET), timeout=60)


def test_build_fails_and_its_alert_arrives_later() -> None:
    seen = []
    with Emulator() as emulator:
        emulator.add_build(BUILD, "failed", after="5s")
        emulator.add_alert(text="no gcc & no luck", build=BUILD, delay="4s")
        for now in (0.0, 4.9, 5.0, 8.9, 9.0):
            emulator.clock = partial(float, now)
            status = get(emulator.url + STATUS).json()["status"]
            alerts = get(f"{emulator.url}/v1/Alerts").json()["alerts"]
            seen.append((status, [parse_qs(alert["alert_text"])["Msg"] for alert in alerts]))
    states = [("building", []), ("failed", []), ("failed", [["no gcc & no luck"]])]
    assert seen == [states[0], states[0], states[1], states[1], states[2]]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_line_serves_a_file_with_faults_until_a_signal(tmp_path: Path, number: int) -> None:
    file = tmp_path / "account.json"
    file.write_text(json.dumps({"builds": [{"sid": BUILD}], "alerts": [{"build": BUILD}]}))
    faults = [f"--fault={spec}" for spec in ("404*2", "429=2s", "slow=10ms", "garbage", "reset")]
    command = [sys.executable, "-m", "emulator", "--file", str(file), *faults]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("emulator listening on ").strip()
        exports = [process.stdout.readline() for _ in range(5)]
        assert f"export TWILIO_BASE_URL={url}\n" in exports
        assert exports[-1] == f"export TWILIO_BUILD_SID={BUILD}\n"
        assert [get(url + STATUS).status_code for _ in range(4)] == [404, 404, 429, 200]
        assert get(url + STATUS).text.startswith("<html>")
        with pytest.raises(requests.ConnectionError, match="reset"):
            get(url + STATUS)
        assert "/Status 404 404*2\n" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
