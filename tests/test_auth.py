"""Who is asking: the host's own session decides, nothing the browser says."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from splynx_ippay.base.memory import Memory
from splynx_ippay.runs.models import Run

PAGES = ("/ippay/", "/ippay/credentials", "/ippay/pay-invoice?item_id=202601000002", "/ippay/payments/ABC")


@pytest.mark.parametrize("path", PAGES)
def test_without_a_login_the_way_leads_to_the_hosts_login_and_back(anybody, path):
    answer = anybody.session.get(anybody.base_url + path, allow_redirects=False, timeout=30)
    assert answer.status_code == 303
    target = urlsplit(answer.headers["Location"])
    assert target.path == "/portal/login/"
    assert parse_qs(target.query)["return"] == [path]


def test_logging_in_leads_back_to_the_page_that_was_wanted(anybody, sandbox):
    facts = sandbox.facts["customers"][0]
    page = anybody.get("/ippay/credentials")
    page = anybody.submit(page, "/portal/login", login=facts["login"], password=facts["password"])
    assert page.url.endswith("/ippay/credentials")
    assert page.says("Credit Card")


def test_inside_a_frame_the_whole_window_is_led_to_the_login(anybody, sandbox):
    around = f"{anybody.base_url}/portal/add-on?point=x"
    page = anybody.get("/ippay/credentials", headers={"Sec-Fetch-Dest": "iframe", "Referer": around})
    assert page.status_code == 401
    assert page.says("Please log in", "Nothing was paid or changed.")
    link = page.link("Log in")
    assert link.attributes["target"] == "_top"
    assert parse_qs(urlsplit(link.href).query)["return"] == ["/portal/add-on?point=x"]


def test_a_page_of_somebody_else_around_the_frame_is_not_where_the_login_leads(anybody):
    page = anybody.get("/ippay/credentials", headers={"Sec-Fetch-Dest": "iframe", "Referer": "https://evil.example/portal/x"})
    assert parse_qs(urlsplit(page.link("Log in").href).query)["return"] == ["/ippay/credentials"]


@pytest.mark.parametrize("cookie", ["", "nonsense-of-a-session", "../../etc/passwd", "a" * 400, "x\u00e9"])
def test_a_made_up_session_is_nobodys(anybody, cookie):
    answer = anybody.session.get(f"{anybody.base_url}/ippay/credentials", allow_redirects=False, timeout=30,
                                 headers={"Cookie": f"PHPSESSID={cookie}".encode()})
    assert answer.status_code == 303


def test_a_customer_id_in_the_address_means_nothing(portal):
    page = portal.get("/ippay/credentials?customer_id=2&id=2")
    assert page.says("Credit Card")
    assert 'value="John Sway"' in page.text


def test_the_host_is_asked_once_a_minute(portal, sandbox):
    portal.get("/ippay/credentials")
    sandbox.reset_counters()
    for _ in range(3):
        portal.get("/ippay/credentials")
    assert sandbox.counters()["host"] == {}
    sandbox.jump(seconds=61)
    portal.get("/ippay/credentials")
    assert sandbox.counters()["host"] == {"POST admin/auth/tokens": 1}
    sandbox.jump(seconds=600)
    portal.get("/ippay/credentials")
    assert sandbox.counters()["host"]["GET admin/customers/customer/{id}"] == 1


def test_staff_are_no_customers(staff):
    answer = staff.session.get(f"{staff.base_url}/ippay/credentials", allow_redirects=False, timeout=30)
    assert answer.headers["Location"].startswith("/portal/login/")


def test_customers_are_no_staff(portal):
    answer = portal.session.get(f"{portal.base_url}/ippay/admin/", allow_redirects=False, timeout=30)
    assert answer.headers["Location"].startswith("/admin/login/")


def test_a_sash_proves_staff_once_and_leaves_the_address(staff, make_browser, sandbox):
    frame = staff.get("/admin/finance/invoices")
    page = staff.click(frame, "Charge by IpPay")
    address = next(one for one in page.sight.frames if "sash=" in one)
    stranger = make_browser()
    answer = stranger.session.get(address, allow_redirects=False, timeout=30)
    assert answer.status_code == 303
    assert "sash" not in answer.headers["Location"]
    assert stranger.get(answer.headers["Location"]).status_code == 200  # our signed session, without a cookie of the host
    sandbox.jump(seconds=31 * 60)
    again = stranger.session.get(stranger.base_url + answer.headers["Location"], allow_redirects=False, timeout=30)
    assert again.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("sash", ["", "x", "0" * 32, "<script>"])
def test_a_forged_sash_opens_nothing(anybody, sash):
    answer = anybody.session.get(f"{anybody.base_url}/ippay/admin/", params={"sash": sash}, allow_redirects=False, timeout=30)
    assert answer.status_code == 303
    location = answer.headers["Location"]
    assert location.startswith("/admin/login/")
    assert "sash" not in location


def test_who_logs_in_after_an_administrator_in_the_same_browser_inherits_nothing(staff, sandbox):
    staff.enter_frame(staff.click(staff.get("/admin/finance/invoices"), "Charge by IpPay"))
    staff.get("/admin/logout")
    staff.session.cookies.pop("PHPSESSID", None)
    facts = sandbox.facts["customers"][0]
    staff.login("portal", facts["login"], facts["password"])
    answer = staff.session.get(f"{staff.base_url}/ippay/admin/", allow_redirects=False, timeout=30)
    assert answer.headers["Location"].startswith("/admin/login/")


def test_a_host_that_does_not_tell_who_it_is_lets_nobody_in(portal, sandbox):
    sandbox.jump(seconds=61)
    sandbox.fault(server="host", kind="http_status", status=500, match={"path": "admin/auth/tokens"}, times=20)
    page = portal.get("/ippay/credentials")
    assert page.status_code == 503
    assert page.says("The billing system does not answer")


def test_another_name_of_the_hosts_cookie_is_a_setting(portal, settings_of, core):
    assert portal.get("/ippay/credentials").says("Credit Card")
    settings_of(core, session_cookie="OTHER")
    answer = portal.session.get(f"{portal.base_url}/ippay/credentials", allow_redirects=False, timeout=30)
    assert answer.status_code == 303


def test_an_administrator_has_a_name_wherever_it_is_shown_and_the_host_is_asked_for_it_once(staff, sandbox, core):
    for _ in range(3):
        staff.enter_frame(staff.click(staff.get("/admin/finance/invoices"), "Charge by IpPay"))
    assert sandbox.counters()["host"]["GET admin/administration/administrators/{id}"] == 1
    done = staff.submit(staff.get("/ippay/admin/charge"), "/ippay/admin/charge")
    assert done.says("Preview of Charge", "Ada Min")
    with core.database.read() as session:
        assert session.get(Run, 1).created_by == "staff 1 (Ada Min)"


def test_an_administrator_without_a_name_comes_in_all_the_same(staff, make_browser, sandbox):
    page = staff.click(staff.get("/admin/finance/invoices"), "Charge by IpPay")
    address = next(one for one in page.sight.frames if "sash=" in one)
    sandbox.fault(server="host", kind="http_status", status=500, match={"path": "admin/administration/administrators"}, times=5)
    stranger = make_browser()
    shown = stranger.get(address)
    assert shown.status_code == 200
    assert stranger.submit(shown, "/ippay/admin/charge").says("Administrator 1")


def test_what_was_remembered_too_much_of_is_forgotten_oldest_first():
    memory = Memory(timedelta(minutes=1))
    for number in range(10_001):
        memory.keep(str(number), number)
    assert memory.find("0") is None
    assert memory.find("10000") == 10_000
