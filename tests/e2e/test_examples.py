"""The examples, run as they are by act, gitlab-ci-local, Docker and Node."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from emulator import API_SECRET, Emulator
from tests.e2e.conftest import act, commit_all, copy_of_the_tree, docker
from tests.support.projects import BUILD, ENVIRONMENT, EXAMPLES, execute, make_project, variables
from tools.release import owner

pytestmark = pytest.mark.timeout(240)

IMAGE, ACTION = f"{owner.IMAGE}:1", f"{owner.ACTION}@v1"
LIVE = "ZB" + 32 * "1"
# Plain JavaScript. Versions up to 4.60.0 have a part that npm may have to compile.
GITLAB_CI_LOCAL = "gitlab-ci-local@4.64.1"

# What hosted runners have, and rsync for gitlab-ci-local.
INSTALL = (
    "RUN apt-get update -qq"
    " && apt-get install -y -qq --no-install-recommends curl jq rsync >/dev/null"
)
# Programs that need a real account. The CLI fails as it does after a failed build.
STAND_INS = {
    "npm": "",
    "npx": 'if [ "$2" = serverless:deploy ]; then echo "ERROR undefined"; exit 1; fi',
    "terraform": f'if [ "$1" = output ]; then printf {BUILD}; fi',
    "gh": 'echo "gh $*"; cat',
}

# Twilio's library takes no address: in the test, its requests go to the emulator.
REDIRECT = """
const client = require(process.cwd() + "/node_modules/twilio/lib/base/RequestClient");
const send = client.prototype.request;
client.prototype.request = function (options) {
  const uri = options.uri.replace("https://serverless.twilio.com", process.env.TWILIO_BASE_URL);
  return send.call(this, { ...options, uri });
};
"""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An account with an environment in which /hello and /old are live."""
    with Emulator() as emulator:
        emulator.add_build(LIVE, functions=("/hello", "/old"), created="-72h")
        emulator.add_environment(ENVIRONMENT, build_sid=LIVE)
        yield emulator


def is_deployed(emulator: Emulator) -> bool:
    """Return whether another build than LIVE is live."""
    service = emulator.variables["TWILIO_SERVICE_SID"]
    environment = emulator.get(f"/v1/Services/{service}/Environments/{ENVIRONMENT}")
    return bool(environment.fields["build_sid"] != LIVE)


@pytest.fixture(scope="module")
def job_image(base_image: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of jobs, with the stand-ins. It stays, so that a second build is quick."""
    tag = "twilio-build-wait-e2e:examples"
    files = [
        f"RUN printf '#!/bin/sh\\n%s\\n' '{text}' > /usr/local/bin/{name}"
        f" && chmod +x /usr/local/bin/{name}"
        for name, text in STAND_INS.items()
    ]
    folder = tmp_path_factory.mktemp("image")
    (folder / "Dockerfile").write_text("\n".join([f"FROM {base_image}", INSTALL, *files]))
    docker("build", "--quiet", f"--tag={tag}", str(folder), timeout=110)
    return tag


@pytest.fixture(scope="module")
def action(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of this tree. Docker has the layers of `image` in its cache."""
    assert image
    folder = tmp_path_factory.mktemp("action")
    copy_of_the_tree(folder)
    yield folder
    name = f"act-{owner.OWNER.lower()}-twilio-build-wait-v1-dockeraction:latest"
    docker("image", "rm", "--force", name)


@dataclass(frozen=True)
class Case:
    """A workflow, how its build ends, and what is expected: the exit code, and printed lines.

    Without /old among the functions, the build would remove it.
    """

    file: str
    ending: str
    code: int
    lines: str
    functions: tuple[str, ...] = ("hello", "old", "new")
    event: str = "workflow_dispatch"


REMOVES = ("hello",)
CASES = {
    "full pipeline": Case("full-pipeline.yml", "completed", 0, "is live$"),
    "full pipeline, failed": Case("full-pipeline.yml", "failed", 1, "could not install sharp"),
    "full pipeline, removal": Case("full-pipeline.yml", "completed", 1, "This would", REMOVES),
    "deploy": Case("wait-then-deploy.yml", "completed", 0, "of production\n.* is live$"),
    "deploy, removal": Case(
        "wait-then-deploy.yml", "completed", 0, "of production-removals\n.* is live$", REMOVES
    ),
    "Terraform": Case("terraform.yml", "completed", 0, "is live$"),
    "CLI": Case("twilio-cli.yml", "failed", 1, "could not install sharp"),
    "comment": Case("comment.yml", "failed", 1, "^    .*sharp", event="pull_request"),
    "check": Case("check-once.yml", "building", 0, "is still building", event="schedule"),
    "branch": Case("continue-on-error.yml", "failed", 1, "^failed: "),
    "matrix": Case("matrix.yml", "completed", 0, "Every build has completed"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_workflow(
    emulator: Emulator, action: Path, job_image: str, tmp_path: Path, case: Case
) -> None:
    emulator.add_build(BUILD, case.ending, functions=[f"/{name}" for name in case.functions])
    emulator.creation = {"status": case.ending}
    emulator.add_alert(build=BUILD)
    project = make_project(tmp_path / "project", *case.functions)
    commit_all(project)
    event = {
        "inputs": {"build-sid": BUILD, "builds": f'[{{"service": "demo", "build": "{BUILD}"}}]'},
        "pull_request": {"number": 7, "head": {"repo": {"full_name": "team/project"}}},
    }
    (tmp_path / "event.json").write_text(json.dumps(event))
    log = act(
        project,
        job_image,
        case.event,
        f"--workflows=github/{case.file}",
        f"--eventpath={tmp_path / 'event.json'}",
        f"--local-repository={ACTION}={action}",
        f"--env=TWILIO_BASE_URL={emulator.url}",
        *(f"--var={k}={v}" for k, v in variables(emulator).items() if v != API_SECRET),
        secrets={"TWILIO_API_SECRET": API_SECRET},
        code=case.code,
    )
    printed = "\n".join(re.findall(r"(?m)^\[.*?\]   \| (.*)$", log))
    assert re.search(case.lines, printed, re.MULTILINE), log
    assert is_deployed(emulator) == ("is live" in case.lines), log
    assert ("::error title=Twilio build failed" in log) == (case.ending == "failed"), log
    assert not [line for line in log.splitlines() if API_SECRET in line and "add-mask" not in line]


def test_gitlab(image: str, job_image: str, emulator: Emulator, tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", "hello")
    text = (EXAMPLES / "gitlab-ci.yml").read_text().replace(IMAGE, image)
    (project / ".gitlab-ci.yml").write_text(re.sub("registry.gitlab.com/.*", job_image, text))
    given = variables(emulator)
    del given["TWILIO_BUILD_SID"]  # the first job sets it
    (project / ".gitlab-ci-local-variables.yml").write_text(yaml.safe_dump(given))
    commit_all(project)
    command = ["npx", "--yes", GITLAB_CI_LOCAL, "--no-color", "--network=host"]
    command += ["--pull-policy=if-not-present", f"--helper-image={job_image}", f"--home={tmp_path}"]
    log = execute(project, command, timeout=200)
    assert re.search("The build has completed after [0-9.]+ s", log), log
    assert is_deployed(emulator)


@pytest.mark.parametrize("ending, code", [("completed", 0), ("building", 0), ("failed", 1)])
def test_docker_run(image: str, emulator: Emulator, tmp_path: Path, ending: str, code: int) -> None:
    emulator.add_build(BUILD, ending)
    project = make_project(tmp_path / "project")
    script = project / "docker-run.sh"
    script.write_text(script.read_text().replace(IMAGE, image))
    flags = ("--network=host", "--env=TWILIO_BASE_URL", "--env=TWILIO_BUILD_TIMEOUT=0")
    log = execute(project, [str(script), *flags], variables(emulator), code=code)
    assert ("Not deployed" in log) == (ending == "building")
    assert is_deployed(emulator) == (ending == "completed")


def test_node_library_creates_a_build(emulator: Emulator, tmp_path: Path) -> None:
    install = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "twilio@6.2.0"]
    execute(tmp_path, install, timeout=200)
    shutil.copy(EXAMPLES / "create-build.mjs", tmp_path)
    (tmp_path / "redirect.cjs").write_text(REDIRECT)
    versions = [version["sid"] for version in emulator.builds[LIVE].fields["function_versions"]]
    command = ["node", "--require=./redirect.cjs", "create-build.mjs", *versions]
    printed = execute(tmp_path, command, variables(emulator))
    fields = emulator.builds[printed.strip()].fields
    assert [version["sid"] for version in fields["function_versions"]] == versions
