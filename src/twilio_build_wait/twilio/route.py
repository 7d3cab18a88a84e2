"""How a request gets to Twilio: directly or through a proxy, and what to check if it does not."""

import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ssl import SSLContext
from urllib.parse import urlsplit

from requests.utils import (
    get_auth_from_url,
    get_environ_proxies,
    prepend_scheme_if_needed,
    select_proxy,
)
from urllib3.exceptions import HTTPError
from urllib3.util import Url, parse_url

from twilio_build_wait.credentials import Redactor
from twilio_build_wait.model import Reach
from twilio_build_wait.safe_text import NOTHING, Message, message
from twilio_build_wait.twilio.tls import LocalError, own_bundle

_PORTS = {"http": 80, "https": 443}
# More schemes than any proxy offers.
_MOST_SCHEMES = 10
_PORT = re.compile(r":\d+$")
_QUOTED = re.compile(r'"(?:[^"\\]++|\\.)*+"?')
# The name of a scheme stands before its parameters or a comma; a parameter stands before `=`.
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)(?=\s+[^\s=]|\s*(?:,|$))")


@dataclass(frozen=True)
class Proxy:
    """A proxy without its login. `variable` names it; `scheme` is http or https."""

    variable: str
    scheme: str
    host: str
    port: int

    @property
    def address(self) -> str:
        """The address of the proxy for a person."""
        return f"{self.scheme}://{self.host}:{self.port}"

    def offered_schemes(self, host: str, context: SSLContext, timeout: float) -> str:
        """Ask once more, without a login, which schemes the proxy offers (RFC 9110, 11.7.1).

        `requests` does not tell what else a proxy says when it refuses. `host` may have a port.
        Each step takes at most `timeout` seconds.
        """
        connection = (
            HTTPSConnection(self.host, self.port, timeout=timeout, context=context)
            if self.scheme == "https"
            else HTTPConnection(self.host, self.port, timeout=timeout)
        )
        try:
            with closing(connection):
                connection.request("CONNECT", host if _PORT.search(host) else f"{host}:443")
                headers = connection.getresponse().headers
        except (OSError, HTTPException):
            return ""
        offered = ", ".join(headers.get_all("Proxy-Authenticate", []))
        return ", ".join(_SCHEME.findall(_QUOTED.sub("", offered))[:_MOST_SCHEMES])


@dataclass(frozen=True)
class Route:
    """The way to a URL.

    `host` has the port if the URL has one. `proxies` is for `requests`, `bundle` the user's own CA
    bundle, and `exemption` explains a NO_PROXY that does not count.
    """

    host: str
    proxies: dict[str, str] = field(default_factory=dict)
    proxy: Proxy | None = None
    bundle: str = ""
    has_cert_file: bool = False
    exemption: Message = NOTHING

    @property
    def peer(self) -> Message:
        """Who should answer."""
        if self.proxy:
            return message("{} through proxy {}", self.host, self.proxy.address)
        return message("{}", self.host)

    def advice(self, reach: Reach) -> Message:
        """Return what to check by how far a request got."""
        too = ", and base-url" if reach >= Reach.ANSWERED else ""
        if self.proxy:
            check = f"Check {self.proxy.variable}, which names the proxy {{}}{too}{{}}"
            return message(check, self.proxy.address, self.exemption)
        if too:
            return message("Check base-url, and whether a proxy on the way answers instead")
        return message("Check region, edge, base-url, a firewall and the network of this machine")


def find_route(url: str, environ: Mapping[str, str], redactor: Redactor) -> Route:
    """Return the way to a URL. `requests` reads the proxies from the process's environment.

    Raises:
        LocalError: the address of the proxy cannot be used.
    """
    parts = urlsplit(url)
    # A proxy would see the credential of a plain-http request.
    proxies: dict[str, str] = get_environ_proxies(url) if parts.scheme == "https" else {}
    proxy, exemption = None, NOTHING
    if address := select_proxy(url, proxies):
        proxy = _parse(address, _variable(address, proxies, environ), redactor)
        exemption = _explain_exemption(parts.hostname or "", environ, redactor)
    bundle = redactor.redact(own_bundle(environ))
    has_cert_file = bool(environ.get("SSL_CERT_FILE"))
    return Route(parts.netloc, proxies, proxy, bundle, has_cert_file, exemption)


def _variable(address: str, proxies: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """Return the name of the variable that `requests` took the address of a proxy from."""
    scheme = "https" if proxies.get("https") == address else "all"
    names = [name for name in environ if name.lower() == f"{scheme}_proxy"]
    # A lower-case name takes precedence (urllib.request.getproxies_environment).
    names.sort(key=lambda name: (environ[name] != address, not name.endswith("_proxy")))
    return names[0] if names else f"{scheme}_proxy"


def _parse(address: str, variable: str, redactor: Redactor) -> Proxy:
    """Take the address of a proxy apart as `requests` does. Raises LocalError."""
    login, url = _split(address)
    after_login = address.rpartition("@")[2]
    is_cut = url.host and "@" in f"{url.path}{url.query}{url.fragment}"
    if is_cut or (url == Url() and _split(after_login)[1].host):
        raise LocalError(
            message(f"the login in {variable} holds a character that has to be percent-encoded"),
            f"In {variable}, write / as %2F, ? as %3F, # as %23, [ as %5B, ] as %5D, @ as %40 and "
            "\\ as %5C",
        )
    if max(login, default="") > "\xff":
        cause = message(f"the login in {variable} holds a character that HTTP cannot carry")
        raise LocalError(cause, "Use a login of ASCII characters")
    shown = redactor.redact(f"{url.scheme}://{url.netloc}" if url.host else after_login)
    if (url.scheme or "").startswith("socks"):
        cause = message(f"{variable} is {{}}, but SOCKS proxies are not supported", shown)
        raise LocalError(cause, "Set HTTPS_PROXY to a proxy that speaks HTTP")
    if url.scheme not in _PORTS or not url.host:
        cause = message(f"{variable} is '{{}}', which is not the address of a proxy", shown)
        raise LocalError(cause, f"Correct {variable}: scheme, host and port")
    port = url.port or _PORTS[url.scheme]
    return Proxy(variable, url.scheme, redactor.redact(url.host), port)


def _split(address: str) -> tuple[str, Url]:
    """Return login and parts of an address; one that `requests` cannot split has no host."""
    try:
        urlsplit(address)  # `requests` does so, too; it refuses what the next line would encode
        full = prepend_scheme_if_needed(address, "http")
        return "".join(get_auth_from_url(full)), parse_url(full)
    except (HTTPError, ValueError):
        return "", Url()


def _explain_exemption(host: str, environ: Mapping[str, str], redactor: Redactor) -> Message:
    """Explain a NO_PROXY that names the host in a form that `requests` does not read."""
    given = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    for entry in re.split(r"[\s,;|]+", given):
        domain = re.sub(r"^\w+://|:\d+$", "", entry.lower()).strip("*./\"'")
        if domain and f".{host}".endswith(f".{domain}"):
            return message(
                "; NO_PROXY has '{}', but it takes no wildcard and no scheme, and needs commas "
                "between names: write {}",
                redactor.redact(entry),
                redactor.redact(f".{domain}"),
            )
    return NOTHING
