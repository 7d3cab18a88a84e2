"""The examples, run as their CI would run them: which commands, in which shell, with which values.

Each function reads the example file itself and takes the commands out of it. What it knows of its
CI is how values go from one step to the next, which exit codes stop a pipeline, and which
conditions a step can have; a construct that it does not know is an error, never passed over.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from tests.integration import runner_model
from tests.integration.example_grammars import groovy_calls, kotlin_calls
from tests.integration.example_machine import (
    BASH,
    BASH_E,
    BASH_EO,
    EXAMPLES,
    IMAGE,
    SH,
    SH_E,
    Machine,
)
from tests.integration.example_twilio import (
    BUILD_SID,
    CREDENTIALS,
    ENVIRONMENT_SID,
    FUNCTION_VERSION,
    SERVICE_SID,
)

#: Runs a pipeline to its end; whether the CI would call it green.
Pipeline = Callable[[Machine], bool]
SECRET = "TWILIO_API_SECRET"
#: What no pipeline sets: where the emulator is, and how long to wait for it.
FROM_THE_TEST = ("TWILIO_BASE_URL", "TWILIO_BUILD_TIMEOUT", "META_DATA")
#: The SIDs in the examples that their users replace.
PLACEHOLDERS = {
    "SK" + 32 * "0": CREDENTIALS.api_key,
    "ZS" + 32 * "0": SERVICE_SID,
    "ZE" + 32 * "0": ENVIRONMENT_SID,
}


def load(name: str) -> Any:  # noqa: ANN401 (YAML)
    """Read an example that is YAML."""
    return yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))


def docker_run(machine: Machine) -> bool:
    """Run the script as it is."""
    return machine.run("./docker-run.sh", {"TWILIO_BUILD_SID": BUILD_SID}, shell=SH).code == 0


def gitlab(machine: Machine) -> bool:
    """Run GitLab's jobs by stages; dotenv reports become variables of the later ones."""
    pipeline = load("gitlab-ci.yml")
    reported: dict[str, str] = {}
    for stage in pipeline["stages"]:
        for job in (job for job in pipeline.values() if isinstance(job, dict)):
            if job["stage"] != stage:
                continue
            image = job["image"]
            in_image = isinstance(image, dict)
            if in_image:
                assert image == {"name": IMAGE, "entrypoint": [""]}, image
            # A variable of the pipeline's run goes before one that a job sets.
            given = {"TWILIO_FUNCTION_VERSION": FUNCTION_VERSION, "GITLAB_CI": "true"}
            own = {k: v for k, v in job.get("variables", {}).items() if k not in machine.variables}
            script = "\n".join(job["script"])
            env = {**own, **reported, **given}
            done = machine.run(script, env, shell=BASH_EO, in_image=in_image)
            if report := job.get("artifacts", {}).get("reports", {}).get("dotenv"):
                text = (machine.folder / report).read_text(encoding="utf-8")
                reported |= runner_model.dotenv(text)
            tolerated = job.get("allow_failure", {"exit_codes": 0})["exit_codes"]
            if done.code not in {0, tolerated}:
                return False
    return True


def azure(machine: Machine) -> bool:
    """Run Azure's jobs; ``##vso[task.setvariable]`` is how their steps tell each other."""
    outputs: dict[str, str] = {}
    green = True
    secret = machine.variables.pop(SECRET)  # reaches only a step that names it
    for job in load("azure-pipelines.yml")["jobs"]:
        if condition := job.get("condition"):
            match = re.fullmatch(
                r"and\(succeeded\(\), eq\(dependencies\.(\w+)\.outputs\['(.+)'\], '(\w+)'\)\)",
                condition,
            )
            assert match, condition
            if not green or outputs.get(f"{match[1]}.{match[2]}", "") != match[3]:
                continue
        variables = {"TF_BUILD": "True", "TWILIO_BUILD_SID": BUILD_SID}
        for name, value in job.get("variables", {}).items():
            match = re.fullmatch(r"\$\[ dependencies\.(\w+)\.outputs\['(.+)'\] \]", value)
            assert match, value
            variables[name] = outputs[f"{match[1]}.{match[2]}"]
        for step in (step for step in job["steps"] if "checkout" not in step):
            macros = {**machine.variables, **variables, SECRET: secret}
            env = {
                name: re.sub(r"\$\((\w+)\)", lambda m: macros.get(m[1], m[0]), value)  # noqa: B023 (used at once)
                for name, value in step.get("env", {}).items()
            }
            done = machine.run(step["bash"], {**variables, **env}, shell=BASH)
            for command in runner_model.azure_commands(done.log):
                if command.name != "task.setvariable":
                    continue
                name = command.properties["variable"]
                if command.properties.get("isOutput") == "true":
                    outputs[f"{job['job']}.{step['name']}.{name}"] = command.data
                else:
                    variables[name] = command.data
            if done.code and not step.get("continueOnError"):
                green = False
                break
    return green


def bitbucket(machine: Machine) -> bool:
    """Run Bitbucket's steps; a step's output variables are variables of the later ones."""
    (pipeline,) = load("bitbucket-pipelines.yml")["pipelines"]["custom"].values()
    shared = {"BITBUCKET_PIPELINES_VARIABLES_PATH": str(machine.folder / ".shared-variables")}
    assert pipeline[0] == {"variables": [{"name": "TWILIO_BUILD_SID"}]}
    shared["TWILIO_BUILD_SID"] = BUILD_SID
    for step in (item["step"] for item in pipeline[1:]):
        script = "\n".join(step["script"])
        path = machine.folder / ".shared-variables"
        path.write_text("", encoding="utf-8")
        path.chmod(0o666)
        done = machine.run(script, shared, shell=BASH_E, in_image=step.get("image") == IMAGE)
        if done.code:
            return False
        written = runner_model.dotenv(path.read_text(encoding="utf-8"))
        shared |= {name: written[name] for name in step.get("output-variables", [])}
    return True


def circleci(machine: Machine) -> bool:
    """Run CircleCI's jobs; the workspace is how one hands files to the next."""
    config = load("circleci.yml")
    (workflow,) = config["workflows"].values()
    assert workflow["when"] == "<< pipeline.parameters.build-sid >>"
    workspace: dict[str, str] = {}
    for name in (next(iter(job)) for job in workflow["jobs"]):
        job = config["jobs"][name]
        (container,) = job["docker"]
        env = {
            name: value.replace("<< pipeline.parameters.build-sid >>", BUILD_SID)
            for name, value in job.get("environment", {}).items()
        }
        for step in job["steps"]:
            if step == "checkout":
                machine.check_out(machine.folder)
            elif "run" in step:
                command = step["run"]["command"]
                in_image = container["image"] == IMAGE
                if machine.run(command, env, shell=BASH_EO, in_image=in_image).code:
                    return False
            elif "persist_to_workspace" in step:
                for file in step["persist_to_workspace"]["paths"]:
                    workspace[file] = (machine.folder / file).read_text(encoding="utf-8")
            else:
                assert step == {"attach_workspace": {"at": "."}}, step
                for file, text in workspace.items():
                    (machine.folder / file).write_text(text, encoding="utf-8")
        for file in workspace:  # each job has a folder of its own
            (machine.folder / file).unlink()
    return True


def jenkins(machine: Machine) -> bool:
    """Run the stages of the Jenkinsfile; a workspace is kept from run to run."""
    source = (EXAMPLES / "Jenkinsfile").read_bytes()
    variables = {"TWILIO_BUILD_SID": BUILD_SID, "TWILIO_BUILD_OUTPUT_FILE": "wait.env"}
    assert b"TWILIO_BUILD_OUTPUT_FILE = 'wait.env'" in source
    assert b"args '--entrypoint='" in source
    in_image = enabled = True
    for call in groovy_calls(source, "stage", "image", "environment", "sh"):
        if call.name == "stage":
            in_image, enabled = False, True
        elif call.name == "image":
            assert call.values == (IMAGE,), call
            in_image = True
        elif call.name == "environment" and call.labels:  # in a `when`
            enabled = variables.get(call.labels["name"], "") == call.labels["value"]
        elif call.name == "sh" and enabled:
            script = call.labels.get("script") or call.values[0]
            done = machine.run(script, variables, shell=SH_E, in_image=in_image)
            if done.code:
                return False
            if call.labels.get("returnStdout"):
                variables[call.assigned_to.removeprefix("env.")] = done.log
    return True


def buildkite(machine: Machine) -> bool:
    """Run Buildkite's steps; the upload makes ``$`` of ``$$`` and fills in any other ``$``."""
    for step in load("buildkite.yml")["steps"]:
        if step == "wait":
            continue
        assert not re.search(r"(?<!\$)\$(\$\$)*(?!\$)", step["command"]), (
            "the upload would expand it"
        )
        command = step["command"].replace("$$", "$")
        done = machine.run(
            command, {"BUILDKITE": "true", "TWILIO_BUILD_SID": BUILD_SID}, shell=BASH_E
        )
        tolerated = {rule["exit_status"] for rule in step.get("soft_fail", [])}
        if done.code not in {0, *tolerated}:
            return False
    return True


def woodpecker(machine: Machine) -> bool:
    """Run Woodpecker's steps; settings become ``PLUGIN_`` variables, the folder is shared."""
    secret = machine.variables[SECRET]
    machine.variables = {name: machine.variables[name] for name in FROM_THE_TEST}

    def filled(values: Mapping[str, Any]) -> dict[str, str]:
        return {
            name: secret
            if value == {"from_secret": SECRET.lower()}
            else PLACEHOLDERS.get(value, value.replace("${TWILIO_BUILD_SID}", BUILD_SID))
            for name, value in values.items()
        }

    for step in load("woodpecker.yml")["steps"]:
        env = filled(step.get("environment", {}))
        if settings := step.get("settings"):
            assert "commands" not in step
            assert step["image"] == IMAGE
            # Woodpecker would make an underscore of a hyphen, Drone does not.
            env = {f"PLUGIN_{name.upper()}": value for name, value in filled(settings).items()}
            done = machine.plugin({**env, "CI": "woodpecker"})
        else:
            done = machine.run("\n".join(step["commands"]), env, shell=SH_E)
        if done.code and step.get("failure") != "ignore":
            return False
    return True


def teamcity(machine: Machine) -> bool:
    """Run TeamCity's steps; service messages set parameters and report build problems."""
    source = (EXAMPLES / "teamcity.kts").read_bytes()
    calls = kotlin_calls(source, "text", "param", "password", "script")
    parameters = {f"env.{name}": value for name, value in machine.variables.items()}
    parameters["env.TWILIO_BUILD_SID"] = BUILD_SID
    declared = {call.values[0] for call in calls if call.name != "script"}
    assert declared == parameters.keys() - {f"env.{name}" for name in FROM_THE_TEST}
    for step in (call for call in calls if call.name == "script"):
        condition = step.labels.get("equals")
        if condition and parameters.get(condition.split("=")[0], "") != condition.split("=")[1]:
            continue
        script = re.sub(r"%([\w.]+)%", lambda m: parameters[m[1]], step.labels["scriptContent"])
        env = {
            name.removeprefix("env."): value
            for name, value in parameters.items()
            if name.startswith("env.")
        }
        done = machine.run(script, {**env, "TEAMCITY_VERSION": "2024.12"}, shell=SH)
        messages = runner_model.teamcity_messages(done.log)
        for message in messages:
            if message.name == "setParameter":
                parameters[message.properties["name"]] = message.properties["value"]
        if done.code or any(message.name == "buildProblem" for message in messages):
            return False
    return True


#: Every example but GitHub's, by its file.
PIPELINES: dict[str, Pipeline] = {
    "docker-run.sh": docker_run,
    "gitlab-ci.yml": gitlab,
    "azure-pipelines.yml": azure,
    "bitbucket-pipelines.yml": bitbucket,
    "circleci.yml": circleci,
    "Jenkinsfile": jenkins,
    "buildkite.yml": buildkite,
    "woodpecker.yml": woodpecker,
    "teamcity.kts": teamcity,
}
