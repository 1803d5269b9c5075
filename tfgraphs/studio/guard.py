"""Who may ask: pages of this server, in a browser on this machine, or whoever has the token.

Any page that a browser shows can send requests to this machine. Two headers tell them apart, which no page can choose:
Host, the name by which the browser found the server, is a foreign one if a domain was pointed at this machine (DNS
rebinding); Origin is the page that asks.
"""

import hmac
import secrets
from collections.abc import Collection
from urllib.parse import urlsplit

from werkzeug import Request

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_HTTP = 80


class Guard:
    """Decides which requests are answered.

    Args:
        port: of the server.
        hosts: names and addresses by which it may be called, IPv6 addresses in brackets. None: any, with the token.
        token: that requests have to bring, in the address once and then in a cookie; none if the server listens on this
            machine only.

    Attributes:
        token: see above.
        cookie: the name of its cookie.
    """

    def __init__(self, port: int, hosts: Collection[str] | None = LOOPBACK, token: str | None = None) -> None:
        endings = [f":{port}", ""] if port == _HTTP else [f":{port}"]  # browsers leave the usual port out
        self._names = None if hosts is None else {host + ending for host in hosts for ending in endings}
        self.token, self.cookie = token, f"tfgraphs_token_{port}"  # cookies do not tell ports apart

    def refusal(self, request: Request) -> str:
        """Returns why a request is refused, or nothing."""
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if self._names is not None and host.lower() not in self._names:
            return "unknown host name"
        if origin is not None and _host_of(origin) != host.lower():
            return "requests from other origins are refused"
        embeds = request.headers.get("Sec-Fetch-Mode") != "navigate"
        if request.headers.get("Sec-Fetch-Site") == "cross-site" and embeds:
            return "pages of other sites may link to this server, but not embed it"
        if origin is None and request.method not in ("GET", "HEAD"):
            return "only pages of this server may change something"
        if self.token and not self._knows_token(request):
            return "open the address that was printed when the server was started: it has a token"
        return ""

    def brings_token(self, request: Request) -> bool:
        """Whether a request has the token in its address, so that the answer should set the cookie."""
        return bool(self.token) and _same(request.args.get("token", ""), self.token or "")

    def _knows_token(self, request: Request) -> bool:
        return self.brings_token(request) or _same(request.cookies.get(self.cookie, ""), self.token or "")


def new_token() -> str:
    """Returns a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # of brackets that do not match
        return ""


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
