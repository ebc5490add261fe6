"""The catcher of mails: an SMTP server on loopback that keeps what it is given and delivers nothing.

Owns ``world.mails`` and the page that shows them. With a local CA it offers STARTTLS; any login is accepted, so that
clients which need one can be tried, and the name (never the password) is kept with the mail.
"""

from __future__ import annotations

import smtplib
import socket
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

if TYPE_CHECKING:
    import ssl
    from email.message import EmailMessage

    from aiosmtpd.smtp import SMTP, Envelope, LoginPassword, Session

    from splynx_ippay_sandbox.world import World

LOOPBACK = "127.0.0.1"
SENDER = "billing@isp.example"
REFUSED_DOMAIN = "refused.example"  # addresses here are refused, as a server refuses an unknown mailbox
_SECONDS = 10


class Catcher:
    """The SMTP server from ``start`` to ``stop``; the port is bound at once."""

    def __init__(self, world: World, port: int = 0) -> None:
        self._world = world
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((LOOPBACK, port))
        self._controller: _OnSocket | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return LOOPBACK, int(self._socket.getsockname()[1])

    def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Serve; with a context STARTTLS is offered and a login is accepted only inside it."""
        host, port = self.address
        self._controller = _OnSocket(
            _Handler(self._world), hostname=host, port=port, tls_context=tls, auth_required=False,
            auth_require_tls=tls is not None, authenticator=_let_in, decode_data=False)
        self._controller.bound = self._socket
        self._controller.start()

    def stop(self) -> None:
        """End and free the port."""
        if self._controller is not None:
            self._controller.stop(no_assert=True)
        self._socket.close()


class _OnSocket(Controller):
    """A controller on a socket that is bound already: the port must be known before anything serves."""

    bound: socket.socket

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self.bound)


class _Handler:
    """Keeps every mail; refuses one domain, so that a refusal can be tried."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_RCPT(self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802 - the library's name
        """Accept the mailbox unless it is in the refused domain."""
        if address.lower().endswith("@" + REFUSED_DOMAIN):
            return "550 5.1.1 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        """Keep it."""
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        login = session.auth_data.decode("utf-8", "replace") if isinstance(session.auth_data, bytes) else ""
        mail = {**_read(raw), "envelope_from": envelope.mail_from, "envelope_to": list(envelope.rcpt_tos),
                "at": self._world.clock.now().isoformat(), "tls": session.ssl is not None, "login": login}
        # Its own lock, not the world's: whoever sends may hold that one.
        with self._world.mail_lock:
            self._world.mails.append({"id": len(self._world.mails) + 1, **mail})
        return "250 kept"


def _let_in(_server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
    return AuthResult(success=mechanism in {"LOGIN", "PLAIN"} and bool(data.password), auth_data=data.login)


def _read(raw: bytes) -> dict[str, Any]:
    message: EmailMessage = message_from_bytes(raw, policy=policy.default)  # type: ignore[assignment]  # the policy makes these
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    return {
        "from": str(message.get("From", "")), "to": str(message.get("To", "")), "subject": str(message.get("Subject", "")),
        "text": plain.get_content() if plain is not None else "", "html": html.get_content() if html is not None else "",
        "language": str(message.get("Content-Language", "")), "raw": raw.decode("utf-8", "replace"),
    }


def send(world: World, message: EmailMessage) -> None:
    """Hand a mail of the host to the catcher, over SMTP as any other sender. Raises OSError, smtplib.SMTPException."""
    with smtplib.SMTP(world.smtp[0], world.smtp[1], local_hostname="localhost", timeout=_SECONDS) as server:
        server.send_message(message)
