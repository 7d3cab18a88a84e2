"""What only the emulator's users see; test_examples.py shows the rest."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from emulator import API_KEY, API_SECRET
from tests.support.run import REPOSITORY

BUILD = "ZB" + 32 * "b"


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

        def poll() -> requests.Response:
            status = f"{url}/v1/Services/demo/Builds/{BUILD}/Status"
            return requests.get(status, auth=(API_KEY, API_SECRET), timeout=60)

        assert [poll().status_code for _ in range(4)] == [404, 404, 429, 200]
        assert poll().text.startswith("<html>")
        with pytest.raises(requests.ConnectionError, match="reset"):
            poll()
        assert "/Status 404 404*2\n" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
