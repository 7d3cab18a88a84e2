"""The scripts of examples/ against the emulator, and the emulator's command line."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import requests

from emulator import API_KEY, API_SECRET, SERVICE_SID, Emulator
from tests.support import projects
from tests.support.projects import BUILD, ENVIRONMENT, EXAMPLES, execute
from tests.support.run import REPOSITORY

pytestmark = pytest.mark.slow  # each starts several processes

Create = Callable[..., str]
CREATE = {"shell": ["sh", "create-build.sh"], "Python": [sys.executable, "create_build.py"]}
if shutil.which("node"):
    CREATE["Node"] = ["node", "create-build.mjs"]
DEPLOY, HELLO = ["sh", "deploy-build.sh", BUILD], ["functions/hello.js"]

#: Functions and assets, with the path and the visibility that they are uploaded with.
FUNCTIONS = {
    "functions/hello.js": ("/hello", "public"),
    "functions/Orders_2/list-all.protected.js": ("/Orders_2/list-all", "protected"),
    "functions/helper.private.js": ("/helper", "private"),
}
ASSETS = {
    "assets/js/app.min.js": ("/js/app.min.js", "public"),
    "assets/js/app.v2.protected.js": ("/js/app.v2.js", "protected"),
    "assets/logo.private.png": ("/logo.png", "private"),
}
#: Files that are refused: as many as the message names.
REFUSED = [
    "assets/.well-known/key.json",
    "assets/LICENSE",
    "assets/a,b;c.json",
    "assets/key.Private.json",
    "assets/key.unknown",
    "assets/protected/key.json",
    'functions/a"\\b.js',
    "functions/admin.private.v2.js",
    "functions/admin.ts",
    "functions/node_modules/admin/index.js",
]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        emulator.add_environment(ENVIRONMENT)
        yield emulator


@pytest.fixture(params=list(CREATE.values()), ids=list(CREATE))
def create(request: pytest.FixtureRequest, emulator: Emulator, tmp_path: Path) -> Create:
    """Create a build in a project with some files, and with more variables."""

    def run(files: Iterable[str], code: int = 0, **more: str) -> str:
        project = projects.make_project(tmp_path / "project", files)
        return execute(project, request.param, projects.variables(emulator) | more, code=code)

    return run


def test_create_build_uploads_by_the_toolkits_rules(emulator: Emulator, create: Create) -> None:
    functions = f"/v1/Services/{SERVICE_SID}/Functions/ZH"
    for number in range(100):
        emulator.add(f"{functions}{number:032}", friendly_name=f"/{number}")
    emulator.add(f"{functions}{100:032}", friendly_name="/hello")  # on the second page
    fields = emulator.builds[create(FUNCTIONS | ASSETS).strip()].fields
    uploads = [entry.request for entry in emulator.requests if entry.route == "upload-version"]
    described = {
        each.value("Content"): (each.value("Path"), each.value("Visibility")) for each in uploads
    }
    assert described == FUNCTIONS | ASSETS
    for key, files in {"function_versions": FUNCTIONS, "asset_versions": ASSETS}.items():
        assert {(each["path"], each["visibility"]) for each in fields[key]} == set(files.values())
    assert fields["dependencies"] == [{"name": "twilio", "version": "5.3.0"}]
    assert sum(entry.route == "create-file" for entry in emulator.requests) == 5


def test_create_build_names_what_it_does_not_handle(emulator: Emulator, create: Create) -> None:
    lines = create([*HELLO, *REFUSED], code=1).splitlines()
    assert sorted(lines[1:]) == sorted(f"  {file}" for file in REFUSED)
    assert emulator.requests == []


#: Message -> the files and the region that cause it.
PROBLEMS = {
    "There is no file": ([], "us1"),
    'package.json has no "dependencies"': ([*HELLO, "package.json"], "us1"),
    "TWILIO_REGION is xx1": (HELLO, "xx1"),
}


@pytest.mark.parametrize("message", PROBLEMS)
def test_create_build_says_what_is_wrong(create: Create, message: str) -> None:
    files, region = PROBLEMS[message]
    assert message in create(files, code=1, TWILIO_REGION=region)


@pytest.mark.parametrize("route", ["files", "create-file"])
def test_create_build_shows_twilios_message(emulator: Emulator, create: Create, route: str) -> None:
    emulator.fault(f"{route}:403")
    assert "Forbidden" in create(HELLO, code=1)
    assert emulator.builds == {}


def test_deploy_build_accepts_a_build_that_is_live(emulator: Emulator) -> None:
    emulator.add_build(BUILD)
    results = [execute(EXAMPLES, DEPLOY, projects.variables(emulator)) for _ in range(2)]
    assert results == [f"Build {BUILD} is live\n", f"Build {BUILD} was live already\n"]


@pytest.mark.parametrize("status, message", {409: "Conflict", 401: "Unauthorized"}.items())
def test_deploy_build_shows_twilios_message(emulator: Emulator, status: int, message: str) -> None:
    emulator.fault(f"create-deployment:{status}")
    assert message in execute(EXAMPLES, DEPLOY, projects.variables(emulator), code=1)


def test_create_build_reaches_both_hosts_of_a_region(emulator: Emulator, tmp_path: Path) -> None:
    project = projects.make_project(tmp_path / "project", HELLO)
    # No request leaves this machine, and -x prints the addresses.
    offline = {"TWILIO_BASE_URL": "", "HTTPS_PROXY": "http://127.0.0.1:1", "TWILIO_REGION": "ie1"}
    environ = projects.variables(emulator) | offline
    printed = execute(project, ["sh", "-x", "create-build.sh"], environ, code=1)
    assert "=https://serverless.dublin.ie1.twilio.com/" in printed
    assert "=https://serverless-upload.dublin.ie1.twilio.com/" in printed


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
