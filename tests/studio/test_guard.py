"""Who may ask: names of this machine, pages of this server, holders of the token."""

import pytest
from werkzeug import Request
from werkzeug.test import EnvironBuilder

from tfgraphs.studio.guard import Guard, new_token


def request(host="127.0.0.1:8000", method="GET", query="", **headers):
    return Request(EnvironBuilder(method=method, query_string=query, headers={"Host": host, **headers}).get_environ())


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "LOCALHOST:8000", "[::1]:8000"])
def test_names_of_this_machine_are_answered(host):
    assert not Guard(8000).refusal(request(host))


@pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:8000", ""])
def test_other_names_are_refused(host):
    assert "unknown host name" in Guard(8000).refusal(request(host))


def test_the_usual_port_may_be_left_out():
    assert not Guard(80).refusal(request("localhost"))
    assert Guard(8000).refusal(request("localhost"))


@pytest.mark.parametrize(("mode", "refused"), [("no-cors", True), ("navigate", False)])
def test_pages_of_other_sites_may_link_but_not_embed(mode, refused):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}
    assert bool(Guard(8000).refusal(request(**headers))) == refused


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:9000", "null", "http://localhost:8000", "http://["]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_from_elsewhere_are_refused(origin, method):
    assert "other origins" in Guard(8000).refusal(request(method=method, Origin=origin))


def test_pages_of_this_server_may_change_something():
    assert not Guard(8000).refusal(request(method="POST", Origin="http://127.0.0.1:8000"))


def test_what_is_no_page_may_change_nothing():
    assert "only pages of this server" in Guard(8000).refusal(request(method="POST"))


def test_with_a_token_any_name_is_answered_but_nobody_without_it():
    guard = Guard(8000, None, "secret")
    asked = request("studio.lan:8000")
    assert "token" in guard.refusal(asked)
    assert not guard.brings_token(asked)
    by_address = request("studio.lan:8000", query="token=secret")
    assert not guard.refusal(by_address)
    assert guard.brings_token(by_address)
    assert not guard.refusal(request("studio.lan:8000", Cookie="tfgraphs_token_8000=secret"))


@pytest.mark.parametrize("wrong", ["", "secre", "secrets", "Secret", "\u00e9"])
def test_a_wrong_token_is_refused(wrong):
    assert Guard(8000, None, "secret").refusal(request(query={"token": wrong}))


def test_without_a_token_none_is_taken():
    assert not Guard(8000).brings_token(request(query="token="))


def test_tokens_differ_and_are_long():
    assert len({new_token() for _ in range(10)}) == 10
    assert len(new_token()) >= 32
