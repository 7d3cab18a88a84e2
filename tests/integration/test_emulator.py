"""What only the emulator's users see; test_examples.py shows the rest."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from emulator import API_KEY, API_SECRET
from tests.support.projects import BUILD
from tests.support.run import REPOSITORY


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_line_serves_a_file_with_faults_until_a_signal(tmp_path: Path, number: int) -> None:
    file = tmp_path / "account.json"
    file.write_text(f'{{"builds": [{{"sid": "{BUILD}"}}], "alerts": [{{"build": "{BUILD}"}}]}}')
    faults = [f"--fault={spec}" for spec in ("404*2", "429=2s", "slow=10ms", "garbage", "reset")]
    command = [sys.executable, "-m", "emulator", f"--file={file}", *faults]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        head = "".join(process.stdout.readline() for _ in range(6))
        exports = dict(re.findall("export (.*)=(.*)", head))
        assert exports["TWILIO_BUILD_SID"] == BUILD
        url = f"{exports['TWILIO_BASE_URL']}/v1/Services/demo/Builds/{BUILD}/Status"
        with requests.Session() as session:
            session.auth = (API_KEY, API_SECRET)
            statuses = [session.get(url).status_code for _ in range(4)]
            assert statuses == [404, 404, 429, 200]
            assert session.get(url).text.startswith("<html>")
            with pytest.raises(requests.ConnectionError, match="reset"):
                session.get(url)
        assert "/Status 404 404*2\n" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
