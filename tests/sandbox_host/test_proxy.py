"""The reverse proxy under /ippay: one origin for host and add-on."""

import pytest


@pytest.fixture
def connected(box, echo_server):
    """The sandbox with the tiny add-on behind it."""
    box.set_addon(echo_server.url)
    return echo_server


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_every_method_reaches_the_add_on_with_its_path_and_query(connected, browser, method):
    answer = browser.session.request(method, f"{browser.url}/ippay/some%20path/x?a=%26&b=2", data=b"body" if method != "GET" else None, timeout=20)
    assert answer.status_code == 200
    arrived = connected.seen[-1]
    assert (arrived.method, arrived.path) == (method, "/ippay/some%20path/x?a=%26&b=2")
    assert arrived.body == (b"" if method == "GET" else b"body")


def test_the_plain_address_with_and_without_slash(connected, browser):
    assert browser.get("/ippay").status_code == 200
    assert browser.get("/ippay/").status_code == 200
    assert [seen.path for seen in connected.seen] == ["/ippay", "/ippay/"]


def test_the_add_on_learns_the_outer_address(connected, browser):
    browser.get("/ippay/", headers={"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.example"})
    headers = connected.seen[-1].headers
    host = browser.url.removeprefix("http://")
    assert headers["Host"] == headers["X-Forwarded-Host"] == host
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers.get_all("X-Forwarded-For") == ["127.0.0.1"]


def test_cookies_of_both_travel_in_one_origin(connected, portal):
    portal.get("/ippay/credentials")
    assert {"PHPSESSID", "first", "second"} <= set(portal.session.cookies.keys())
    portal.get("/ippay/again")
    sent = connected.seen[-1].headers["Cookie"]
    for name in ("PHPSESSID=", "first=1", "second=2"):
        assert name in sent
    assert "Welcome" in portal.get("/portal/dashboard").text


def test_redirects_are_passed_on_not_followed(connected, browser):
    answer = browser.get("/ippay/redirect", allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/ippay/elsewhere")
    assert len(connected.seen) == 1


def test_a_head_request_has_no_body(connected, browser):
    answer = browser.session.head(f"{browser.url}/ippay/x", timeout=20)
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_large_body_passes_whole(connected, browser):
    body = b"x" * 3_000_000
    browser.session.post(f"{browser.url}/ippay/upload", data=body, timeout=60)
    assert connected.seen[-1].body == body


def test_what_merely_starts_like_it_is_not_the_add_ons(connected, browser):
    assert browser.get("/ippayments").status_code == 404
    assert connected.seen == []


def test_without_an_add_on_a_page_says_so_in_plain_words(box, browser):
    answer = browser.get("/ippay/")
    assert answer.status_code == 502
    assert "Nothing was changed" in answer.text
    box.set_addon("http://127.0.0.1:9")
    answer = browser.get("/ippay/x")
    assert answer.status_code == 502
    assert "does not answer" in answer.text
