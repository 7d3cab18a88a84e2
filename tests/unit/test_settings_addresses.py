"""Where Twilio is: region and edge, or an address of one's own."""

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.samples import SERVICE_SID, problems, settings
from twilio_build_wait.inputs import INPUTS

FORM = next(known.form for known in INPUTS if known.name == "base-url")

CHARACTERS = "it holds characters that have no place in an address"
QUERY = "it has a query or a fragment"
USER = "it has a user name; credentials have inputs of their own"
SCHEME = "it does not begin with https://"
HOST = "its host or port cannot be read"
CLEAR = "http:// is for this machine alone, for it shows the credential to anyone"


# -- region and edge -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "region, edge, place",
    [
        (None, None, ""),
        ("us1", None, ""),
        ("ie1", None, "dublin.ie1."),
        ("au1", None, "sydney.au1."),
        (None, "ashburn", "ashburn.us1."),
        ("us1", "ashburn", "ashburn.us1."),
        ("ie1", "ashburn", "ashburn.ie1."),
        ("br1", "sao-paulo", "sao-paulo.br1."),
    ],
)
def test_the_host_of_a_region_and_an_edge(region: str | None, edge: str | None, place: str) -> None:
    read = settings(TWILIO_REGION=region, TWILIO_EDGE=edge)
    assert read.problems == ()
    assert read.root == f"https://serverless.{place}twilio.com"
    assert read.monitor == f"https://monitor.{place}twilio.com"
    assert read.host == f"serverless.{place}twilio.com"


def test_another_region_needs_its_edge() -> None:
    read = settings(TWILIO_REGION="br1")
    assert read.problems == ("edge: required with region 'br1': no edge is known for it",)
    assert (read.root, read.monitor) == ("", "")


@pytest.mark.parametrize(
    "region, edge, wrong",
    [
        ("US1", None, ["region"]),
        ("US1", "ashburn", ["region"]),
        ("br1", "São Paulo", ["edge"]),
        (None, "São Paulo", ["edge"]),
        ("US1", "São Paulo", ["region", "edge"]),
    ],
)
def test_nothing_is_made_of_a_wrong_region_or_edge(
    region: str | None, edge: str | None, wrong: list[str]
) -> None:
    read = settings(TWILIO_REGION=region, TWILIO_EDGE=edge)
    assert [problem.partition(":")[0] for problem in read.problems] == wrong
    assert (read.root, read.monitor) == ("", "")


# -- another root ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw, root",
    [
        ("https://gateway.test", "https://gateway.test"),
        ("https://gateway.test/", "https://gateway.test"),
        ("https://gateway.test:443", "https://gateway.test:443"),
        ("https://gateway.test:65535/a/b//", "https://gateway.test:65535/a/b"),
        ("https://gateway.test/X/", "https://gateway.test/X"),
        ("HTTPS://Gateway.Test/Path/", "https://Gateway.Test/Path"),
        ("https://gateway.test./x%20y", "https://gateway.test./x%20y"),
        ("https://a/@/b", "https://a/@/b"),
        ("https://under_score.test", "https://under_score.test"),
        ("https://xn--bcher-kva.test", "https://xn--bcher-kva.test"),
        ("https://192.0.2.1:8080", "https://192.0.2.1:8080"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        (f"https://{63 * 'a'}.{63 * 'b'}.test", f"https://{63 * 'a'}.{63 * 'b'}.test"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://127.255.1.99:80/x", "http://127.255.1.99:80/x"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://host.docker.internal:8080", "http://host.docker.internal:8080"),
    ],
)
def test_a_root(raw: str, root: str) -> None:
    read = settings(TWILIO_BASE_URL=raw)
    assert (read.problems, read.warnings) == ((), ())
    assert (read.root, read.monitor) == (root, root)
    assert requests.Request("GET", read.status_url).prepare().url


@pytest.mark.parametrize(
    "raw, problem",
    [
        ("https://gateway test", CHARACTERS),
        ("https://gatewäy.test", CHARACTERS),
        ("https://gateway.test/\x7f", CHARACTERS),
        ("https://gateway.test/\n/x", CHARACTERS),
        *((f"https://gateway.test/{character}", CHARACTERS) for character in '\\"<>^`{|}'),
        ("https://gateway.test/?", QUERY),
        ("https://gateway.test?x=1", QUERY),
        ("https://gateway.test/#", QUERY),
        ("https://jo:password@gateway.test", USER),
        ("https://jo@gateway.test", USER),
        ("https://@gateway.test", USER),
        ("ftp://gateway.test", SCHEME),
        ("gateway.test", SCHEME),
        ("//gateway.test", SCHEME),
        ("gateway.test:443", SCHEME),
        ("https:gateway.test", HOST),
        ("https:///path", HOST),
        ("https://", HOST),
        ("https://:443", HOST),
        ("https://gateway.test:", HOST),
        ("https://gateway.test:0", HOST),
        ("https://gateway.test:65536", HOST),
        ("https://gateway.test:x", HOST),
        ("https://gateway.test:+1", HOST),
        ("https://gateway..test", HOST),
        ("https://.test", HOST),
        ("https://-a.test", HOST),
        ("https://a-.test", HOST),
        (f"https://{64 * 'a'}.test", HOST),
        (f"https://{'.'.join(64 * ['abc'])}", HOST),
        ("https://[::1", HOST),
        ("https://[1]", HOST),
        ("https://[::1]:", HOST),
        ("https://[::1]x", HOST),
        ("https://[v1.a]", HOST),
        ("https://][v1.a", HOST),
        ("https://a[::1]", HOST),
        ("https://gate%77ay.test", HOST),
        ("http://gateway.test", CLEAR),
        ("http://128.0.0.1", CLEAR),
        ("http://127.0.0.256", CLEAR),
        ("http://127.0.0.1.test", CLEAR),
        ("http://localhost.test", CLEAR),
        ("http://[::2]", CLEAR),
        ("http://host-docker-internal", CLEAR),
    ],
)
def test_what_is_no_root(raw: str, problem: str) -> None:
    # The address itself is never shown: it may hold a password.
    read = settings(TWILIO_BASE_URL=raw)
    assert read.problems == (f"base-url: expected {FORM}; {problem}",)
    assert (read.root, read.monitor, read.warnings) == ("", "", ())


@given(
    st.text("abAB09-_.:[]/%@~+,;=!$&'()*", max_size=20).map("https://a".__add__)
    | st.text("abAB09-_.:[]v", max_size=20).map("https://".__add__)
    | st.lists(
        st.sampled_from(
            ["[", "]", "::1", "[::1]", "v1.a", "%25eth0", "1.2.3.4", ":", "80", "x", "/"]
        ),
        max_size=5,
    ).map(lambda parts: "https://" + "".join(parts))
)
def test_an_accepted_root_makes_an_address_that_can_be_requested(raw: str) -> None:
    read = settings(TWILIO_BASE_URL=raw)
    if not read.problems:
        assert requests.Request("GET", read.status_url).prepare().url


@pytest.mark.parametrize("allowed", ["true", " TRUE\n", "True"])
def test_plain_http_can_be_allowed_and_is_warned_about(allowed: str) -> None:
    read = settings(TWILIO_BASE_URL="http://gateway.test:80/x/", TWILIO_ALLOW_HTTP=allowed)
    assert (read.problems, read.root) == ((), "http://gateway.test:80/x")
    (warning,) = read.warnings
    assert warning == (
        "TWILIO_ALLOW_HTTP is true: the credential goes to gateway.test unencrypted, and anyone on "
        "the way can read it; use https:// for anything but a test"
    )


@pytest.mark.parametrize("allowed", ["", "1", "yes", "truely", "false"])
def test_plain_http_is_allowed_by_nothing_else(allowed: str) -> None:
    expected = [f"base-url: expected {FORM}; {CLEAR}"]
    assert problems(TWILIO_BASE_URL="http://gateway.test", TWILIO_ALLOW_HTTP=allowed) == expected


def test_there_is_nothing_to_warn_about_on_this_machine() -> None:
    read = settings(TWILIO_BASE_URL="http://localhost", TWILIO_ALLOW_HTTP="true")
    assert (read.problems, read.warnings) == ((), ())


def test_a_root_wins_over_region_and_edge() -> None:
    read = settings(
        TWILIO_BASE_URL="https://gateway.test", TWILIO_REGION="br1", TWILIO_EDGE="ashburn"
    )
    assert (read.problems, read.root) == ((), "https://gateway.test")


def test_a_root_does_not_excuse_a_wrong_region_or_edge() -> None:
    found = problems(TWILIO_BASE_URL="https://a", TWILIO_REGION="BR1", TWILIO_EDGE="-")
    assert [problem.partition(":")[0] for problem in found] == ["region", "edge"]
    read = settings(TWILIO_BASE_URL="https://a", TWILIO_REGION="br1")
    assert (read.problems, read.root) == ((), "https://a")


def test_the_address_is_made_of_what_was_given() -> None:
    read = settings(TWILIO_SERVICE_SID="my-service")
    assert f"/v1/Services/my-service/Builds/{read.build_sid}/Status" in read.status_url
    assert SERVICE_SID not in read.status_url
