"""The examples, run as they are by act, gitlab-ci-local and Docker."""

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulator import API_SECRET, SERVICE_SID, Emulator
from tests.e2e.conftest import docker
from tests.support import projects
from tests.support.projects import BUILD, ENVIRONMENT, EXAMPLES, execute
from tests.support.run import REPOSITORY, Process
from tools.release import owner
from tools.release.repository import pin

pytestmark = pytest.mark.timeout(240)

IMAGE, ACTION, LIVE = f"{owner.IMAGE}:1", f"{owner.ACTION}@v1", "ZB" + 32 * "1"
# Plain JavaScript. Versions up to 4.60.0 have a part that npm may have to compile.
GITLAB_CI_LOCAL = "gitlab-ci-local@4.64.1"
JOBS = str(Path(__file__).parent / "jobs")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An account with an environment in which /hello and /old are live."""
    with Emulator() as emulator:
        emulator.add_build(LIVE, functions=("/hello", "/old"), created="-72h")
        emulator.add_environment(ENVIRONMENT, build_sid=LIVE)
        yield emulator


def is_deployed(emulator: Emulator) -> bool:
    """Return whether another build than LIVE is live."""
    environment = emulator.get(f"/v1/Services/{SERVICE_SID}/Environments/{ENVIRONMENT}")
    return bool(environment.fields["build_sid"] != LIVE)


@pytest.fixture(scope="module")
def job_image(base_image: str) -> str:
    """The image of jobs. It stays, so that a second build is quick."""
    tag = "twilio-build-wait-e2e:examples"
    docker("build", "--quiet", f"--tag={tag}", f"--build-arg=BASE={base_image}", JOBS)
    return tag


@pytest.fixture(scope="module")
def release(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a released action.yml, whose image is in a registry on loopback."""
    folder, action = tmp_path_factory.mktemp("registry"), tmp_path_factory.mktemp("action")
    # YAML, of which JSON is a subset. Docker uses HTTP on 127.0.0.0/8, and port 0 is any free one.
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    config = {"version": 0.1, "storage": storage, "http": {"addr": "127.0.0.1:0"}}
    (folder / "config.json").write_text(json.dumps(config))
    command = ("sh", "-c", "exec docker-registry serve config.json 2>&1")
    listening = re.compile(r"listening on (127\.0\.0\.1:\d+)")
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with Process(environ, command=command) as registry:
        registry.wait_for(lambda: listening.search(registry.log), timeout=30)
        name = f"{listening.findall(registry.log)[0]}/twilio-build-wait"
        docker("tag", image, name)
        (digest,) = re.findall("digest: (sha256:[0-9a-f]{64})", docker("push", name))
        docker("image", "rm", "--force", name)
        pinned = pin((REPOSITORY / "action.yml").read_text(), f"{name}@{digest}")
        (action / "action.yml").write_text(pinned)
        yield action
        docker("image", "rm", "--force", f"{name}@{digest}")


@pytest.fixture(scope="module")
def actions(release: Path) -> list[str]:
    """Where act finds actions."""
    terraform = (EXAMPLES / "github" / "terraform.yml").read_text()
    (setup,) = re.findall("hashicorp/.*@[0-9a-f]+", terraform)
    folders = {ACTION: release, setup: f"{JOBS}/setup-terraform"}
    return [f"--local-repository={name}={folder}" for name, folder in folders.items()]


COMMIT = """
git init --quiet --initial-branch=main
git remote add origin https://github.com/team/project.git
git add --all
git -c user.name=e2e -c user.email=e2e@example.com commit --quiet --message=example
"""
ALL = ("functions/hello.js", "functions/old.js", "functions/new.js")
LESS, LOCK = ("functions/hello.js",), ("package-lock.json",)
BY_HAND, NPM = "workflow_dispatch", "could not install sharp"
#: A workflow and its event, how its build ends, the exit code, lines of the log, and the project's
#: files: LESS removes a function, and without a lock file npm fails.
CASES: dict[str, tuple[Any, ...]] = {
    "pipeline": ("full-pipeline", "push", "completed", 0, "is live$", ALL),
    "failed": ("full-pipeline", "push", "failed", 1, NPM, ALL),
    "removal": ("full-pipeline", "push", "completed", 1, "::error::Not deployed", LESS),
    "allowed removal": ("full-pipeline", BY_HAND, "completed", 0, "is live$", LESS),
    "approval": ("wait-then-deploy", "push", "completed", 0, "production\n.* is live$", ALL),
    "removals": ("wait-then-deploy", "push", "completed", 0, "removals\n.* is live$", LESS),
    "Terraform": ("terraform", BY_HAND, "completed", 0, " state rm (.*\n)*.* is live$", ALL),
    "CLI": ("twilio-cli", BY_HAND, "failed", 1, f"in {SERVICE_SID}(.*\n)*.*{NPM}", LOCK),
    "npm": ("twilio-cli", BY_HAND, "completed", 1, "Failure - Main Install", ()),
    "comment": ("comment", "pull_request", "failed", 1, f"\\|     .*{NPM}", ALL),
    "check": ("check-once", "schedule", "building", 0, "is still building", ALL),
    "branch": ("continue-on-error", BY_HAND, "failed", 1, "\\| failed: ", ALL),
    "matrix": ("matrix", "push", "completed", 0, "Every build has completed", ALL),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_workflow(
    emulator: Emulator, actions: list[str], job_image: str, tmp_path: Path, case: tuple[Any, ...]
) -> None:
    name, event, ending, code, lines, files = case
    emulator.add_build(BUILD, ending)
    emulator.add_alert(build=BUILD)
    emulator.add_service("ZS" + 32 * "1")  # of matrix.yml
    emulator.creation = {"status": ending}
    project = projects.make_project(tmp_path / "project", files)
    execute(project, ["sh", "-ec", COMMIT])
    given = {
        "inputs": {"build-sid": BUILD, "allow-removals": "true"},
        "pull_request": {"number": 7, "head": {"repo": {"full_name": "team/project"}}},
    }
    (tmp_path / "event.json").write_text(json.dumps(given))
    environ = projects.variables(emulator)
    command = [
        str(Path(sys.executable).with_name("act")),
        event,
        f"--workflows=github/{name}.yml",
        f"--eventpath={tmp_path / 'event.json'}",
        f"--platform=ubuntu-latest={job_image}",
        "--pull=false",
        "--rm",
        f"--env=TWILIO_BASE_URL={emulator.url}",
        f"--var=TWILIO_BUILD_SID={BUILD}",
        *(f"--var={name}={value}" for name, value in environ.items() if value != API_SECRET),
        "--secret=TWILIO_API_SECRET",  # its value is in the environment
        *actions,
    ]
    environ |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    log = execute(project, command, environ, code)
    assert re.search(lines, log, re.MULTILINE), log
    assert is_deployed(emulator) == ("is live" in lines), log
    assert ("::error title=Twilio build failed" in log) == (ending == "failed"), log
    assert bool(emulator.requests) == bool(files), log
    assert not [line for line in log.splitlines() if API_SECRET in line and "add-mask" not in line]


def test_gitlab(image: str, job_image: str, emulator: Emulator, tmp_path: Path) -> None:
    project = projects.make_project(tmp_path / "project", ALL)
    text = (EXAMPLES / "gitlab-ci.yml").read_text().replace(IMAGE, image)
    (project / ".gitlab-ci.yml").write_text(re.sub("registry.gitlab.com/.*", job_image, text))
    execute(project, ["sh", "-ec", COMMIT])
    command = ["npx", "--yes", GITLAB_CI_LOCAL, "--no-color", "--network=host"]
    command += [f"--variable={k}={v}" for k, v in projects.variables(emulator).items()]
    command += ["--pull-policy=if-not-present", f"--helper-image={job_image}", f"--home={tmp_path}"]
    log = execute(project, command)
    assert re.search("The build has completed after [0-9.]+ s", log), log
    assert is_deployed(emulator)


def scripts(node: Any) -> Iterator[str]:  # noqa: ANN401 (YAML)
    """Yield the commands of each step in a pipeline."""
    for item in node if isinstance(node, list) else [node]:
        for key, value in item.items() if isinstance(item, dict) else ():
            if key in {"bash", "command", "commands", "run", "script"}:
                yield value if isinstance(value, str) else "\n".join(value)
            else:
                yield from scripts(value)


@pytest.mark.parametrize(
    "file", ["azure-pipelines", "bitbucket-pipelines", "buildkite", "circleci", "woodpecker"]
)
def test_pipeline(image: str, emulator: Emulator, tmp_path: Path, file: str) -> None:
    project = projects.make_project(tmp_path / "project", ALL)
    environ = projects.variables(emulator) | {"TF_BUILD": "True"}
    tool = f"docker run --rm --env={' --env='.join(environ)} --env=TWILIO_BUILD_SID {IMAGE}"
    environ["PATH"] = f"{JOBS}/bin:{os.environ['PATH']}"  # for buildkite-agent
    for script in scripts(yaml.safe_load((EXAMPLES / f"{file}.yml").read_text())):
        text = re.sub("^twilio-build-wait$", tool, script, flags=re.MULTILINE)
        text = text.replace(IMAGE, f"--network=host --env=TWILIO_BASE_URL {image}")
        text = text.replace("$$", "$")  # as Buildkite does
        log = execute(project, ["bash", "-ec", text], environ)
        environ |= dict(re.findall(r"##vso\[task.setvariable variable=(\w+)\](.*)", log))
        environ["BUILD_SID"] = environ.get("TWILIO_BUILD_WAIT_BUILD_SID", "")  # in the second job
    assert is_deployed(emulator)


@pytest.mark.parametrize("ending, code", {"completed": 0, "building": 3}.items())
def test_docker_run_keeps_exit_codes_apart(
    image: str, emulator: Emulator, tmp_path: Path, ending: str, code: int
) -> None:
    emulator.creation = {"status": ending}
    script = projects.make_project(tmp_path / "project", ALL) / "docker-run.sh"
    script.write_text(script.read_text().replace(IMAGE, image))
    flags = ("--network=host", "--env=TWILIO_BASE_URL", "--env=TWILIO_BUILD_TIMEOUT=0")
    variables = projects.variables(emulator)
    execute(script.parent, ["sh", script.name, *flags], variables, code=code)
    assert is_deployed(emulator) == (code == 0)
