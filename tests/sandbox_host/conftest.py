"""The sandbox host over real HTTP, with a client of this folder's own that knows the wire and nothing of the product."""

import hashlib
import hmac
import itertools
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import requests

from splynx_ippay_sandbox.server import Sandbox

ALL = ("index", "view", "add", "update", "delete")


def signature(key, secret, nonce):
    """Upper-case hex HMAC-SHA256 of nonce and key, as the official clients compute it."""
    return hmac.new(secret.encode(), f"{nonce}{key}".encode(), hashlib.sha256).hexdigest().upper()


class Api:
    """A client of one API key."""

    nonces = itertools.count(1_000_000)

    def __init__(self, url, key, secret):
        self.url, self.key, self.secret = url.rstrip("/"), key, secret
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = ""

    def log_in(self, nonce=None, **other):
        nonce = next(self.nonces) if nonce is None else nonce
        body = {"auth_type": "api_key", "key": self.key, "nonce": nonce, "signature": signature(self.key, self.secret, nonce)}
        answer = self.session.post(f"{self.url}/api/2.0/admin/auth/tokens", json={**body, **other}, timeout=20)
        if answer.status_code == 201:
            self.token = answer.json()["access_token"]
        return answer

    def call(self, verb, path, **options):
        if not self.token:
            assert self.log_in().status_code == 201
        headers = {"Authorization": f"Splynx-EA (access_token={self.token})", **options.pop("headers", {})}
        return self.session.request(
            verb, f"{self.url}/api/2.0/admin/{path}", headers=headers, timeout=20, allow_redirects=False, **options
        )

    def get(self, path, **params):
        answer = self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path, **body):
        return self.call("POST", path, json=body)

    def put(self, path, **body):
        return self.call("PUT", path, json=body)

    def delete(self, path):
        return self.call("DELETE", path)

    def signed(self, version, path, sash="", nonce=None):
        """A call by signature, as API 1.0 does it."""
        nonce = next(self.nonces) if nonce is None else nonce
        text = f"key={self.key}&nonce={nonce}&signature={signature(self.key, self.secret, nonce)}"
        text += f"&sash={sash}" if sash else ""
        return self.session.get(f"{self.url}/api/{version}/admin/{path}", headers={"Authorization": f"Splynx-EA ({text})"}, timeout=20)


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """One sandbox for this folder."""
    with Sandbox(seed="small", state_dir=tmp_path_factory.mktemp("state")) as box:
        yield box


@pytest.fixture
def box(running):
    """The sandbox as new: small seed, nothing registered, no add-on."""
    with running.world.lock:
        registry = running.world.host.state.registry
        registry.modules.clear()
        registry.points.clear()
        registry.hooks.clear()
        registry.additional_fields.clear()
        for key_id in [key_id for key_id in registry.keys if key_id != running.world.host.state.root_key.id]:
            del registry.keys[key_id]
        for account_id in [account_id for account_id in registry.account_kinds if account_id != 1]:
            del registry.account_kinds[account_id]
    running.set_addon(None)
    running.world.reset("small")
    return running


@pytest.fixture
def api(box):
    """A client of the key of the ready line."""
    client = Api(box.ready["host_url"], box.ready["api_key"], box.ready["api_secret"])
    yield client
    client.session.close()


@pytest.fixture
def cli(box):
    """The program system/script/addon, started as an installer starts it."""
    def run(command, *, check=True, **options):
        words = [f"--{name}={value}" for name, value in options.items()]
        done = subprocess.run([sys.executable, box.ready["addon_cli"], command, *words], capture_output=True, text=True, timeout=60, check=False)
        if check:
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()
        return done
    return run


@pytest.fixture
def key_with(box):
    """Make a client of a new API key with these permissions: ``key_with(Payments=("index",))``."""
    made = []

    def make(**rules):
        key = box.world.host.state.registry.add_key("limited")
        for name, actions in rules.items():
            folder = "customers" if name.startswith("Customer") else "finance"
            for action in actions:
                key.rules[f"admin\\{folder}\\{name}", action] = "allow"
        made.append(Api(box.ready["host_url"], key.key, key.secret))
        return made[-1]
    yield make
    for client in made:
        client.session.close()


class Browser:
    """A person's browser without JavaScript: cookies, and forms with their hidden token."""

    def __init__(self, url):
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False

    def get(self, path, **options):
        return self.session.get(f"{self.url}{path}", timeout=20, **options)

    def post(self, path, page, **fields):
        return self.session.post(f"{self.url}{path}", data={"_csrf": csrf_of(page.text), **fields}, timeout=20)

    def log_in(self, side, login, password):
        page = self.get(f"/{side}/login/")
        return self.post(f"/{side}/login/", page, login=login, password=password)


def csrf_of(html):
    """The hidden token of a page's first form."""
    return html.split('name="_csrf" value="', 1)[1].split('"', 1)[0]


@pytest.fixture
def browser(box):
    """A browser with nobody logged in."""
    opened = Browser(box.ready["host_url"])
    yield opened
    opened.session.close()


@pytest.fixture
def portal(box, browser):
    """John's browser, logged in to the portal."""
    john = box.ready["customers"][0]
    assert browser.log_in("portal", john["login"], john["password"]).url.endswith("/portal/dashboard")
    return browser


@pytest.fixture
def admin(box):
    """A staff browser, logged in to the admin."""
    staff = box.ready["staff"]
    opened = Browser(box.ready["host_url"])
    assert opened.log_in("admin", staff["login"], staff["password"]).url.endswith("/admin/dashboard")
    yield opened
    opened.session.close()


@pytest.fixture
def echo_server():
    """A tiny add-on: it tells what arrived and answers as its path says."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append(SimpleNamespace(method=self.command, path=self.path, headers=self.headers, body=body))
            status = 302 if "redirect" in self.path else 200
            text = json.dumps({"method": self.command, "path": self.path, "body": body.decode("utf-8", "replace")}).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/ippay/elsewhere")
            self.send_header("Set-Cookie", "first=1; Path=/ippay")
            self.send_header("Set-Cookie", "second=2; Path=/ippay")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = answer  # noqa: N815 - names of the standard library

        def log_message(self, *arguments):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}", seen=seen)
    server.shutdown()
    server.server_close()
    thread.join(10)
