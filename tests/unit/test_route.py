"""Which way a request takes, by the environment."""

import os
import ssl
from unittest import mock

import pytest

from tests.support.server import Response, Server
from twilio_build_wait.credentials import Redactor, secrets
from twilio_build_wait.model import ErrorKind, PollError, Reach
from twilio_build_wait.twilio.route import Proxy, Route, find_route
from twilio_build_wait.twilio.tls import LocalError

URL = "https://api.twilio.test:8443/v1"
PROXY = "http://proxy.test:3128"


def find(url: str = URL, **environ: str) -> Route:
    with mock.patch.dict(os.environ, environ, clear=True):
        return find_route(url, environ, Redactor(secrets(environ)))


def proxy(**environ: str) -> Proxy:
    route = find(**environ)
    assert route.proxy, route
    return route.proxy


def refused(address: str) -> PollError:
    """The error of a proxy's address that cannot be used."""
    with pytest.raises(LocalError) as raised:
        find(ALL_PROXY=address)
    error = raised.value.error
    assert error.kind is ErrorKind.PERMANENT
    assert error.reach is Reach.LOCAL
    return error


def test_http_goes_through_no_proxy() -> None:
    url = "http://localhost:8443/v1"
    route = find(url, HTTP_PROXY=PROXY, HTTPS_PROXY=PROXY, ALL_PROXY=PROXY)
    assert route.proxies == {}
    assert route.peer.text() == "localhost:8443"


def test_proxy_is_shown_without_its_login() -> None:
    address = "http://me:sw0rdfish@proxy.test:3128/"
    route = find(HTTPS_PROXY=address)
    assert route.proxies["https"] == address
    assert route.proxy == Proxy("HTTPS_PROXY", "http", "proxy.test", 3128)
    assert route.peer.text() == "api.twilio.test:8443 through proxy http://proxy.test:3128"


FULL = {
    "proxy.test": "http://proxy.test:80",
    "https://proxy.test": "https://proxy.test:443",
    "http://me:pass@word@proxy.test": "http://proxy.test:80",
    "http://me:päsÿword@proxy.test": "http://proxy.test:80",
    "http://me:50%@proxy.test": "http://proxy.test:80",
}


@pytest.mark.parametrize("address", FULL)
def test_address_of_a_proxy_is_shown_in_full(address: str) -> None:
    assert proxy(HTTPS_PROXY=address).address == FULL[address]


# Environment -> the variable that the proxy comes from.
OTHER = "http://other.test"
VARIABLES = {
    "HTTPS_PROXY": {"HTTPS_PROXY": PROXY, "ALL_PROXY": OTHER},
    "ALL_PROXY": {"ALL_PROXY": PROXY, "HTTP_PROXY": PROXY, "npm_config_proxy": PROXY},
    "all_proxy": {"ALL_PROXY": PROXY, "all_proxy": PROXY},
    "https_proxy": {"HTTPS_PROXY": PROXY, "https_proxy": PROXY, "all_proxy": PROXY},
    "HTTPS_proxy": {"HTTPS_PROXY": OTHER, "HTTPS_proxy": PROXY},
}


@pytest.mark.parametrize("variable", VARIABLES)
def test_proxy_is_called_by_the_variable_that_it_was_taken_from(variable: str) -> None:
    assert proxy(**VARIABLES[variable]).variable == variable


def test_proxy_of_the_system_is_called_https_proxy() -> None:
    with mock.patch("requests.utils.get_environ_proxies", return_value={"https": PROXY}):
        assert proxy().variable == "https_proxy"


@pytest.mark.parametrize("character", "[]#/?\\")
@pytest.mark.parametrize("form", ["pass{}word", "12{}word", "pass{}w@rd"])
def test_login_with_a_special_character_has_to_be_encoded(character: str, form: str) -> None:
    error = refused(f"http://me:{form.format(character)}@proxy.test:3128")
    cause = "the login in ALL_PROXY holds a character that has to be percent-encoded"
    assert error.cause.text() == cause
    assert error.advice.text().startswith("In ALL_PROXY, write / as %2F, ? as %3F, # as %23")


def test_socks_proxy_is_not_supported() -> None:
    error = refused("socks5h://me:sw0rdfish@proxy.test")
    cause = "ALL_PROXY is socks5h://proxy.test, but SOCKS proxies are not supported"
    assert error.cause.text() == cause
    assert error.advice.text() == "Set HTTPS_PROXY to a proxy that speaks HTTP"


# Address -> how it is shown.
NO_ADDRESSES = {
    "ftp://me:sw0rdfish@proxy.test": "ftp://proxy.test",
    "http://me:sw0rdfish@proxy.test:99999": "proxy.test:99999",
    "http://me:sw0rdfish@": "",
    "http://": "http://",
    "[::1:3128": "[::1:3128",
}


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_address_that_cannot_be_used_is_shown_without_its_login(address: str) -> None:
    error = refused(address)
    shown = NO_ADDRESSES[address]
    assert error.cause.text() == f"ALL_PROXY is '{shown}', which is not the address of a proxy"
    assert error.advice.text() == "Correct ALL_PROXY: scheme, host and port"


# NO_PROXY that names the host in a form that does not count -> the form that counts.
WRONG_FORMS = {
    "*.twilio.test": ".twilio.test",
    "localhost,*twilio.test,*.other.test": ".twilio.test",
    "localhost;api.twilio.test": ".api.twilio.test",
    "localhost\napi.twilio.test\n": ".api.twilio.test",
    "localhost|API.twilio.test": ".api.twilio.test",
    "https://api.twilio.test/": ".api.twilio.test",
    "api.twilio.test:443": ".api.twilio.test",
    "https://api.twilio.test:443/": ".api.twilio.test",
    '["api.twilio.test"]': ".api.twilio.test",
    '"localhost,twilio.test"': ".twilio.test",
}


@pytest.mark.parametrize("no_proxy", WRONG_FORMS)
def test_no_proxy_in_a_form_that_does_not_count_is_explained(no_proxy: str) -> None:
    advice = find(HTTPS_PROXY=PROXY, NO_PROXY=no_proxy).advice(Reach.NOWHERE).text()
    assert advice.startswith(f"Check HTTPS_PROXY, which names the proxy {PROXY}; NO_PROXY has '")
    rule = "it takes names without wildcard, scheme or port, with commas between them"
    assert advice.endswith(f"', but {rule}: write {WRONG_FORMS[no_proxy]}")


@pytest.mark.parametrize("no_proxy", ["*.other.test", "test.api,wilio.test", "*", ";", "x;y.test"])
def test_no_proxy_that_does_not_name_the_host_is_not_explained(no_proxy: str) -> None:
    assert not find(HTTPS_PROXY=PROXY, NO_PROXY=no_proxy).exemption


def test_lower_case_no_proxy_takes_precedence() -> None:
    route = find(HTTPS_PROXY=PROXY, no_proxy="*.twilio.test", NO_PROXY="api.twilio.test")
    assert "NO_PROXY has '*.twilio.test'" in route.exemption.text()


DIRECT = "Check region, edge, base-url, a firewall and the network of this machine"
BETWEEN = "Check base-url, and whether a proxy on the way answers instead"
NAMED = f"Check ALL_PROXY, which names the proxy {PROXY}"
ADVICE = {Reach.SENT: (DIRECT, NAMED), Reach.ANSWERED: (BETWEEN, f"{NAMED}, and base-url")}


@pytest.mark.parametrize("reach", ADVICE)
def test_advice_depends_on_how_far_a_request_got(reach: Reach) -> None:
    direct, through_proxy = ADVICE[reach]
    assert find().advice(reach).text() == direct
    assert find(ALL_PROXY=PROXY).advice(reach).text() == through_proxy


def offers(server: Server, host: str = "twilio.test") -> str:
    proxy = Proxy("HTTPS_PROXY", "http", "127.0.0.1", server.port)
    return proxy.offered_schemes(host, ssl.create_default_context(), 5.0)


# Header -> schemes.
HEADERS = {
    'Basic realm="a, Odd b"': "Basic",
    'Digest realm="\\", NTLM", qop="auth" , nonce = x, Basic realm=y': "Digest, Basic",
    "NTLM TlRMTVNTUAAC==,Negotiate": "NTLM, Negotiate",
    'NTLM, Basic realm="' + '\\"' * 30_000: "NTLM, Basic",
    "": "",
}


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: header[:40])
def test_schemes_are_read_from_the_header(server: Server, header: str) -> None:
    server.script(Response(407, headers={"Proxy-Authenticate": header}))
    assert offers(server) == HEADERS[header]


def test_schemes_may_stand_in_several_headers(server: Server) -> None:
    head = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nproxy-authenticate: NTLM\r\n\r\n"
    server.script(head)
    assert offers(server) == "Negotiate, NTLM"
    assert server.requests[0].target == "twilio.test:443"


def test_schemes_are_asked_for_without_a_login(server: Server) -> None:
    server.script(Response(407))
    offers(server, "twilio.test:8443")
    (request,) = server.requests
    assert request.method == "CONNECT"
    assert request.target == "twilio.test:8443"
    assert "proxy-authorization" not in request.headers
