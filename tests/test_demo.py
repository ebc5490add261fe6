"""The demo passes, and it is no decoration: break the sandbox and it fails, naming the step."""

import html
import re
import signal
import subprocess
import sys

import pytest
import requests

from splynx_ippay_sandbox.demo import pages
from splynx_ippay_sandbox.demo.browser import Browser
from splynx_ippay_sandbox.demo.people import ACCOUNT, OTHER_ACCOUNT, OTHER_VISA, VISA
from splynx_ippay_sandbox.demo.tour import BREAKAGES, STEPS

# Every whole number that people type during the tour: cards and bank accounts.
NUMBERS = (VISA, OTHER_VISA, ACCOUNT, OTHER_ACCOUNT)


def play(folder, *arguments):
    return subprocess.run([sys.executable, "-m", "splynx_ippay_sandbox.demo", "--once", "--folder", folder / "demo", *arguments],
                          capture_output=True, text=True, timeout=300, check=False)


def test_the_tour_plays_every_step_and_then_stays_up_until_it_is_told_to_end(tmp_path):
    """``--once`` differs by ending here itself; ``.ci/run`` plays it, and so do the broken tours below."""
    process = subprocess.Popen([sys.executable, "-m", "splynx_ippay_sandbox.demo", "--folder", tmp_path / "demo"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = ""
    try:
        for line in process.stdout:
            said += line
            if "/_sandbox/ " in line:
                break
        assert process.poll() is None, said
        host = re.search(r"portal +(http://\S+)/portal/", said).group(1)
        login, password = re.search(r"login (\S+) +password (\S+)", said).groups()
        Browser(host).login("portal", login, password)
        assert len(re.findall(r"login \S+ +password \S+", said)) >= 4, "every customer and the administrator"
        office = Browser(host)
        office.login("admin", *re.search(r"admin +http\S+\s+login (\S+) +password (\S+)", said).groups())
        office.enter_frame(office.get("/admin/add-on?point=ippay_charge_point"))
        log = office.get("/ippay/admin/log")
        assert log.says("worker")
        assert not log.says("No log file is set")
        assert requests.get(re.search(r"mails +(http\S+)", said).group(1), cookies=office.session.cookies, timeout=30).ok
        made = office.submit(office.get("/admin/customers/view?id=3"), "/admin/documents/invoice", holding="amount", amount="12.00", send="1")
        assert made.says("was sent to")
        mail = requests.get(f"{host}/_sandbox/mails", timeout=30).json()["mails"][-1]
        holder = Browser(host).get(html.unescape(re.search(r'href="([^"]+/ippay/l/[^"]+)"', mail["html"])[1]))
        assert holder.says("$12.00", "Front Range Internet"), "to be paid from the mail, under the name of the provider"
        captured = requests.get(f"{host}/_sandbox/capture", timeout=30).text
        assert [number for number in NUMBERS if number not in captured] == [], "the gateway did receive them"
    finally:
        process.send_signal(signal.SIGINT)
        said += process.stdout.read()
        process.stdout.close()
        code = process.wait(60)
    assert code == 0, said
    for place, (_, title, _) in enumerate(STEPS, 1):
        assert f"[{place:2}/{len(STEPS)}] {title}" in said
    assert "unexplained: $0.00" in said
    assert [number for number in NUMBERS if number in said] == []
    kept = [path for path in (tmp_path / "demo").rglob("*") if path.is_file()]
    assert {"splynx-ippay.sqlite3", "worker.log", "serve.log"} <= {path.name for path in kept}
    leaks = [f"{path.name}: ***{number[-4:]}" for path in kept for number in NUMBERS if number.encode() in path.read_bytes()]
    assert leaks == []
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{host}/portal/", timeout=5)


@pytest.mark.parametrize("breakage", sorted(BREAKAGES))
def test_a_broken_sandbox_fails_the_tour_at_the_step_it_breaks(breakage, tmp_path):
    done = play(tmp_path, "--break", breakage)
    assert done.returncode == 1, done.stdout + done.stderr
    key = BREAKAGES[breakage][0]
    title = next(title for name, title, _ in STEPS if name == key)
    assert f"({key}: {title}) FAILED" in done.stderr


def test_a_folder_that_no_demo_has_made_is_left_alone(tmp_path):
    treasure = tmp_path / "demo" / "treasure"
    treasure.parent.mkdir()
    treasure.write_text("mine")
    done = play(tmp_path)
    assert done.returncode == 2
    assert "name another folder" in done.stderr
    assert treasure.read_text() == "mine"


FORM = """<title>Pay</title><form id="f" action="/pay" method="post">
<input type="hidden" name="csrf" value="1"><select name="kind"><option value="A">A<option value="B" selected>B</select>
<input type="radio" name="source" value="card"><input type="radio" name="source" value="bank" checked>
<input type="checkbox" name="save"><input name="off" value="x" disabled><textarea name="note">hey</textarea>
<button name="go" value="now">Pay <b>now</b></button><button name="go" value="later">Later</button></form>
<p>Hello <b>you</b> &amp; me</p><script>not seen</script>"""


def form():
    return pages.read(FORM, "http://host/x").forms[0]


def test_an_untouched_form_sends_what_a_browser_sends():
    assert form().values({}) == [("csrf", "1"), ("kind", "B"), ("source", "bank"), ("note", "hey"), ("go", "now")]


def test_a_filled_form_keeps_its_hidden_fields_and_sends_the_pressed_button():
    sent = form().values({"kind": "A", "save": True, "source": "card"}, button="later")
    assert sent == [("csrf", "1"), ("kind", "A"), ("source", "card"), ("save", "on"), ("note", "hey"), ("go", "later")]


@pytest.mark.parametrize("wish", [{"amount": "1"}, {"kind": "C"}, {"source": "cash"}, {"off": "y"}])
def test_what_is_not_on_the_page_cannot_be_sent(wish):
    with pytest.raises(pages.PageError):
        form().values(wish)


def test_only_visible_words_are_read():
    assert pages.read(FORM, "http://host/x").words.endswith("Hello you & me")
    assert "not seen" not in pages.read(FORM, "http://host/x").words
