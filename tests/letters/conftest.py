"""A mail server that does what a test says, and the outbox as it stands."""

import socket
import threading

import pytest
from sqlalchemy import select

from splynx_ippay.notifications import OutboxMail
from tests.payments.conftest import Desk


class Postmaster:
    """Speaks SMTP on loopback. ``answers`` replaces the reply at a step: HELLO, MAIL, RCPT, DATA, END, QUIT.

    A reply of "hang" says nothing until the client goes, "drop" closes the connection.
    """

    def __init__(self):
        self.answers, self.taken, self.calls = {}, [], 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def end(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            with connection, connection.makefile("rb") as lines:
                try:
                    self._converse(connection, lines)
                except (OSError, StopIteration):
                    continue

    def _say(self, connection, lines, step, reply):
        said = self.answers.get(step, reply)
        if said == "drop":
            raise StopIteration
        if said == "hang":
            lines.read()
            raise StopIteration
        connection.sendall(said.encode() + b"\r\n")
        return said

    def _converse(self, connection, lines):
        self._say(connection, lines, "HELLO", "220 ready")
        for raw in lines:
            verb = raw.decode().split()[0].upper()
            if verb == "DATA" and self._say(connection, lines, "DATA", "354 go on").startswith("354"):
                body = b"".join(iter(lines.readline, b".\r\n"))
                self.taken.append(body.decode())
                self._say(connection, lines, "END", "250 kept")
            elif verb == "QUIT":
                self._say(connection, lines, "QUIT", "221 bye")
                return
            elif verb != "DATA":
                self._say(connection, lines, verb, "250 ok")


@pytest.fixture
def postmaster():
    server = Postmaster()
    yield server
    server.end()


class Outbox:
    """The rows."""

    def __init__(self, core):
        self._core = core

    def all(self):
        with self._core.database.read() as session:
            return list(session.scalars(select(OutboxMail).order_by(OutboxMail.id)))

    def states(self):
        return [(mail.kind, mail.state, mail.reason) for mail in self.all()]


@pytest.fixture
def outbox(core):
    return Outbox(core)


@pytest.fixture
def mailing(core, sandbox, settings_of):
    """The core with the sandbox's mail server set."""
    settings_of(core, smtp_host=sandbox.facts["smtp_host"], smtp_port=sandbox.facts["smtp_port"], smtp_tls="none",
                smtp_from="pay@north.example", brand_name="North & Sons")
    return core


@pytest.fixture
def caught(sandbox):
    """What the sandbox's mail server caught."""
    return lambda: sandbox.control("GET", "mails")["mails"]


@pytest.fixture
def desk(mailing, sandbox):
    """Pays as a door would."""
    return Desk(mailing, sandbox)
