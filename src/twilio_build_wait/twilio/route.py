"""How a request gets to Twilio: directly or through a proxy, and what to check if it does not."""

import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from ssl import SSLContext
from urllib.parse import urlsplit

from requests import utils
from urllib3.util import Url, parse_url

from twilio_build_wait.credentials import Redactor
from twilio_build_wait.model import Reach
from twilio_build_wait.safe_text import NOTHING, Message, message
from twilio_build_wait.twilio.tls import LocalError, issuer_advice

_PORTS = {"http": 80, "https": 443}
# The name of a scheme stands before its parameters or alone; a parameter stands before `=`.
_SCHEME = r"^([A-Za-z][A-Za-z0-9-]*)(?=\s+[^\s=]|$)"


@dataclass(frozen=True)
class Proxy:
    """A proxy without its login. `variable` names it; `scheme` is http or https."""

    variable: str
    scheme: str
    host: str
    port: int

    @property
    def address(self) -> str:
        """The address for a person."""
        return f"{self.scheme}://{self.host}:{self.port}"

    def offered_schemes(self, host: str, context: SSLContext, timeout: float) -> str:
        """Return the schemes that are offered (RFC 9110, 11.7.1); raises as http.client does."""
        target = host if re.search(r":\d+$", host) else f"{host}:443"
        connection = HTTPConnection(self.host, self.port, timeout=timeout)
        if self.scheme == "https":
            connection = HTTPSConnection(self.host, self.port, timeout=timeout, context=context)
        with closing(connection):
            connection.request("CONNECT", target)
            headers = connection.getresponse().headers
        offered = utils.parse_list_header(", ".join(headers.get_all("Proxy-Authenticate", [])))
        return ", ".join(scheme for each in offered for scheme in re.findall(_SCHEME, each))


@dataclass(frozen=True)
class Route:
    """The way to a URL. `host` has its port, if it has one; `proxies` is for `requests`.

    `exemption` explains a NO_PROXY that does not count, `issuer_advice` what an unknown CA needs.
    """

    host: str
    proxies: dict[str, str] = field(default_factory=dict)
    proxy: Proxy | None = None
    exemption: Message = NOTHING
    issuer_advice: Message = NOTHING

    @property
    def peer(self) -> Message:
        """Who should answer."""
        proxy = message(" through proxy {}", self.proxy.address) if self.proxy else NOTHING
        return message("{}{}", self.host, proxy)

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
    """Return the way to a URL. Raises LocalError if the address of the proxy cannot be used."""
    parts = urlsplit(url)
    # `requests` reads the environment of the process. By http, a proxy would see the credential.
    proxies: dict[str, str] = utils.get_environ_proxies(url) if parts.scheme == "https" else {}
    proxy, exemption = None, NOTHING
    if address := utils.select_proxy(url, proxies):
        proxy = _parse(address, _variable(address, proxies, environ), redactor)
        exemption = _explain_exemption(parts.hostname or "", environ, redactor)
    return Route(parts.netloc, proxies, proxy, exemption, issuer_advice(environ, redactor))


def _variable(address: str, proxies: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """Return the name of the variable that `requests` took the address of a proxy from."""
    usual = "https_proxy" if proxies.get("https") == address else "all_proxy"
    names = [name for name in environ if name.lower() == usual and environ[name] == address]
    # A lower-case name takes precedence (urllib.request.getproxies_environment).
    return max(names, default=usual)


def _parse(address: str, variable: str, redactor: Redactor) -> Proxy:
    """Take the address of a proxy apart as `requests` does. Raises LocalError."""
    url, after_login = _split(address), address.rpartition("@")[2]
    is_cut = url.host and "@" in f"{url.path}{url.query}{url.fragment}"
    if is_cut or (url == Url() and _split(after_login).host):
        raise LocalError(
            message(f"the login in {variable} holds a character that has to be percent-encoded"),
            f"In {variable}, write / as %2F, ? as %3F, # as %23, [ as %5B, ] as %5D, @ as %40 and "
            "\\ as %5C",
        )
    shown = redactor.redact(f"{url.scheme}://{url.netloc}" if url.host else after_login)
    if (url.scheme or "").startswith("socks"):
        cause = message(f"{variable} is {{}}, but SOCKS proxies are not supported", shown)
        raise LocalError(cause, "Set HTTPS_PROXY to a proxy that speaks HTTP")
    if url.scheme not in _PORTS or not url.host:
        cause = message(f"{variable} is '{{}}', which is not the address of a proxy", shown)
        raise LocalError(cause, f"Correct {variable}: scheme, host and port")
    return Proxy(variable, url.scheme, redactor.redact(url.host), url.port or _PORTS[url.scheme])


def _split(address: str) -> Url:
    """Return the parts of an address; one that `requests` cannot split has no host."""
    try:
        urlsplit(address)  # `requests` does so, too; it refuses what the next line would encode
        return parse_url(utils.prepend_scheme_if_needed(address, "http"))
    except (ValueError, TypeError):  # TypeError: a login without a host
        return Url()


def _explain_exemption(host: str, environ: Mapping[str, str], redactor: Redactor) -> Message:
    """Explain a NO_PROXY that names the host in a form that `requests` does not read."""
    given = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    for entry in re.split(r"[\s,;|]+", given):
        domain = re.sub(r"^\w+://|:\d+/?$", "", entry.lower()).strip("*./[]\"'")
        if domain and f".{host}".endswith(f".{domain}"):
            rule = "it takes names without wildcard, scheme or port, with commas between them"
            shown, right = redactor.redact(entry), redactor.redact(f".{domain}")
            return message(f"; NO_PROXY has '{{}}', but {rule}: write {{}}", shown, right)
    return NOTHING
