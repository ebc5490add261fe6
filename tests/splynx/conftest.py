"""A small host of the tests' own: it signs anybody in and answers what the test scripts, in order."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from splynx_ippay.splynx.client import SplynxClient
from splynx_ippay.splynx.resources import Host

TOKENS = "/api/2.0/admin/auth/tokens"


class _Server(ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 64

    def handle_error(self, request, client_address):
        """Clients that hang up early are what the tests are about."""


class SmallHost:
    """``answers``: what business calls get, in order; ``token_answers``: what sign-ins get before the usual yes.

    An answer is (status, body) or (status, body, headers), or a function that gets the handler.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.calls, self.sign_ins, self.answers, self.token_answers = [], [], [], []
        self.expires_at = 4_000_000_000
        small = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def serve(self):
                parts = urlsplit(self.path)
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                call = {"method": self.command, "path": parts.path, "query": dict(parse_qsl(parts.query)),
                        "headers": dict(self.headers), "body": json.loads(content) if content else None}
                is_sign_in = parts.path.startswith(TOKENS)
                (small.sign_ins if is_sign_in else small.calls).append(call)
                queue = small.token_answers if is_sign_in else small.answers
                answer = queue.pop(0) if queue else small.usual(call) if is_sign_in else (404, {"message": "no script"})
                if callable(answer):
                    answer(self)
                else:
                    self.reply(*answer)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = serve  # noqa: N815 -- names of the standard library

            def reply(self, status, body=b"", headers=None):
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                    self.send_header(name, value)
                if self.command != "HEAD" and status != 204:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD" and status != 204:
                    self.wfile.write(content)

        self.server = _Server(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server.server_address[1]}/"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def usual(self, call):
        number = len(self.sign_ins)
        return (201 if call["method"] == "POST" else 200), {
            "access_token": f"token-{number}", "refresh_token": f"refresh-{number}",
            "access_token_expiration": self.expires_at, "refresh_token_expiration": 4_000_000_000,
            "permissions": {"admin\\finance\\Payments": {"add": "allow"}}}

    def client(self, **limits):
        return SplynxClient(self.url, "key-of-tests", "secret-of-tests", **limits)

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def small():
    host = SmallHost()
    yield host
    host.stop()


@pytest.fixture
def client(small):
    return small.client()


@pytest.fixture
def host(client):
    return Host(client)


@pytest.fixture
def make_small():
    """Start small hosts with a TLS context of the test's own."""
    with contextlib.ExitStack() as stack:
        def start(context):
            host = SmallHost(context)
            stack.callback(host.stop)
            return host
        yield start


@pytest.fixture
def clock_file(tmp_path, monkeypatch):
    """A clock file of the test's own; write seconds into it."""
    path = tmp_path / "clock"
    path.write_text("0", encoding="ascii")
    monkeypatch.setenv("SPLYNX_IPPAY_CLOCK_FILE", str(path))
    return path
