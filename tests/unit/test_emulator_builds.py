from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator import resources
from emulator.builds import Build, Catalogue, fields_of, from_fields, from_text
from emulator.durations import seconds

SID, OTHER = "ZB" + 16 * "aB", "ZB" + 32 * "2"
SERVICE, OTHER_SERVICE = "ZS" + 32 * "1", "ZS" + 32 * "2"
MORNING = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("0", 0),
        ("3", 3),
        ("1.5", 1.5),
        ("500ms", 0.5),
        ("3s", 3),
        ("2m", 120),
        ("1m30s", 90),
        ("1h0.5m", 3630),
        (2, 2),
        (0.25, 0.25),
    ],
)
def test_durations(text: str | float, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["", "s", "-1", "1e3", "3 s", "3x", ".5", "1.", -1.5, float("nan")]
)
def test_what_is_no_duration(text: str | float) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(text)


@given(
    start=st.floats(0, 1e6),
    after=st.floats(0, 1e5),
    waited=st.floats(0, 1e6),
    ending=st.sampled_from(["completed", "failed"]),
)
def test_a_build_ends_when_its_time_has_passed_since_its_first_start(
    start: float, after: float, waited: float, ending: str
) -> None:
    build = Build(SID, ending, after)
    build.start(start, MORNING)
    build.start(start + waited, MORNING + timedelta(hours=1))
    assert build.created == MORNING
    assert build.ends_at == start + after
    now = start + waited
    assert build.status(now) == (ending if now >= start + after else "building")
    updated = MORNING + timedelta(seconds=after) if now >= start + after else MORNING
    assert build.updated(now) == updated


def test_a_build_nobody_asked_for_has_not_begun() -> None:
    build = Build(SID, "failed", 0)
    assert (build.status(1e9), build.ends_at, build.updated(1e9)) == ("building", None, None)
    assert resources.alerts_of(build, "AC", 1e9) == []


def test_a_build_may_never_end() -> None:
    build = Build(SID, "building")
    build.start(0, MORNING)
    assert (build.status(1e9), build.ends_at) == ("building", None)


def test_a_build_of_a_command_line() -> None:
    build = from_text(
        f"{SID}:failed:1m30s:service={SERVICE}:runtime=node8:functions=7:assets=0"
        ":dep=@twilio/runtime-handler@1.3.0:dep=sharp@0.33.5:alert=unrelated+nameless"
    )
    assert (build.sid, build.ending, build.after) == (SID, "failed", 90)
    assert (build.service_sid, build.runtime) == (SERVICE, "node8")
    assert (build.functions, build.assets) == (7, 0)
    assert build.dependencies == [
        {"name": "@twilio/runtime-handler", "version": "1.3.0"},
        {"name": "sharp", "version": "0.33.5"},
    ]
    assert build.alerts == ["unrelated", "nameless"]


@pytest.mark.parametrize(
    "spec, complaint",
    [
        ("", "a build's SID"),
        ("ZB12:failed", "a build's SID"),
        (f"{SID}:done", "'done' is not an ending: completed, failed, building"),
        (f"{SID}:failed:soon", "duration"),
        (f"{SID}:failed:3s:4s", "KEY=VALUE"),
        (f"{SID}:failed:3s:service=demo", "a service's SID"),
        (f"{SID}:failed:3s:alert=82004", "'82004' is not an alert"),
        (f"{SID}:failed:3s:colour=red", "a build has no colour"),
        (f"{SID}:failed:3s:functions=many", "many"),
    ],
)
def test_what_is_no_build(spec: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        from_text(spec)


def test_services_and_builds_are_made_when_asked_for() -> None:
    catalogue = Catalogue({}, fields_of("failed:3s:alert=none"))
    build = catalogue.find(SERVICE, SID)
    assert build is not None
    assert (build.ending, build.after, build.alerts) == ("failed", 3, ["none"])
    assert (build.service_sid, build.sid) == (SERVICE, SID)
    assert catalogue.find(SERVICE.lower().replace("zs", "ZS"), SID.swapcase()) is None
    assert catalogue.find(SERVICE, "ZB" + SID[2:].swapcase()) is build
    assert catalogue.find(OTHER_SERVICE, SID) is None
    assert catalogue.find("demo", SID) is None
    by_name = catalogue.find("demo", OTHER)
    assert by_name is not None
    assert by_name.service_sid == "ZS" + 32 * "0"
    assert catalogue.all() == [build, by_name]


@pytest.mark.parametrize("name", ["", "ZS" + 32 * "x", "a b", "ü", "x" * 256])
def test_what_is_no_service(name: str) -> None:
    assert Catalogue({}, {}).find(name, SID) is None


def test_only_the_services_and_builds_that_were_named() -> None:
    catalogue = Catalogue({SERVICE: "demo", OTHER_SERVICE: ""}, None)
    assert catalogue.find(SERVICE, SID) is None
    catalogue.add(Build(SID))
    assert catalogue.find("nobody", SID) is None
    assert catalogue.find("ZS" + 32 * "3", SID) is None
    assert catalogue.find("demo", SID) is catalogue.find(SERVICE, SID) is catalogue.known(SID)
    replacement = Build(SID, "failed")
    catalogue.add(replacement)
    assert catalogue.find(OTHER_SERVICE, SID) is replacement


def test_an_alert_with_fields_of_its_own() -> None:
    hostile = "Msg=::error::\r\n&Msg=2"
    build = from_fields({"sid": SID, "ending": "failed", "alerts": [{"alert_text": hostile}]})
    build.start(0, MORNING)
    (alert,) = resources.alerts_of(build, "AC", 0)
    assert (alert["alert_text"], alert["error_code"]) == (hostile, "82003")
