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
COOKIE = "tfgraphs_token"


class Guard:
    """Decides which requests are answered.

    Args:
        port: of the server.
        hosts: names and addresses by which it may be called, IPv6 addresses in brackets. None: any, with the token.
        token: that requests have to bring, in the address once and then in a cookie; none if the server listens on this
            machine only.
    """

    def __init__(self, port: int, hosts: Collection[str] | None = LOOPBACK, token: str | None = None) -> None:
        self._names = None if hosts is None else {f"{host}:{port}" for host in hosts}
        self.token = token

    def refusal(self, request: Request) -> str:
        """Returns why a request is refused, or nothing."""
        host = request.headers.get("Host", "")
        if self._names is not None and host.lower() not in self._names:
            return "this server does not go by that name"
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return "a page from elsewhere may not ask"
        if origin is None and request.method not in ("GET", "HEAD"):
            return "only pages of this server may change something"
        if self.token and not self._knows_token(request):
            return "open the address that was printed when the server was started: it has a token"
        return ""

    def brings_token(self, request: Request) -> bool:
        """Whether a request has the token in its address, so that the answer should set the cookie."""
        return bool(self.token) and _same(request.args.get("token", ""), self.token or "")

    def _knows_token(self, request: Request) -> bool:
        return self.brings_token(request) or _same(request.cookies.get(COOKIE, ""), self.token or "")


def new_token() -> str:
    """Returns a token that nobody can guess."""
    return secrets.token_urlsafe(24)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
