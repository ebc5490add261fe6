"""Mails. Owns how they are written (templates/mail/<kind>/, in the person's language) and how they go out (SMTP).

Knows no request: a worker may send too. Must never log an address in full, a subject or a body.
"""

from __future__ import annotations

import contextlib
import logging
import re
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import date, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from splynx_ippay.base import clock, written
from splynx_ippay.base.errors import AddOnError
from splynx_ippay.base.money import Money

if TYPE_CHECKING:
    from splynx_ippay.base.settings import Settings

_log = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parents[1]
SECONDS = 10.0  # for every step of the conversation
_NOT_NOW, _FOR_GOOD = 400, 500
_LONGEST_ADDRESS = 254


class NotDelivered(AddOnError):
    """The mail server did not take the mail; the text names the kind of failure, never an address.

    ``is_unsure``: it may have taken it all the same. ``is_final``: it refused this very mail for good (RFC 5321, 4.2.1:
    after a 5yz the same must not be asked again). ``is_general``: nothing was said about this very mail, the next one
    would fare alike. ``symptom`` is short and may be kept.
    """

    def __init__(self, message: str, *, symptom: str, is_unsure: bool, is_final: bool, is_general: bool) -> None:
        super().__init__(message)
        self.symptom, self.is_unsure, self.is_final, self.is_general = symptom, is_unsure, is_final, is_general


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it goes out, in a plain and an HTML form."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    language: str = "en"


def can_send(settings: Settings) -> bool:
    """Whether a mail server and a sender are set."""
    return bool(settings.text("smtp_host").strip() and address_in(settings.text("smtp_from")))


def address_in(*texts: str) -> str:
    """The first usable address of fields that may hold several, "" when there is none; a field that hides something has none."""
    parts = [part for text in texts if text.isprintable() for part in text.replace(";", ",").split(",")]
    for part in parts:
        address = parseaddr(part.strip())[1]
        local, at, domain = address.rpartition("@")
        if (at and local and "." in domain.strip(".") and len(address) <= _LONGEST_ADDRESS and address.isascii()
                and address.isprintable() and not set(address) & set(' <>"\\,;:')):
            return address
    return ""


def masked(address: str) -> str:
    """``anna@mail.example`` as ``a***@m***.example``: enough to recognise one's own, too little to write to."""
    local, _, domain = address.rpartition("@")
    first, dot, rest = domain.rpartition(".")
    return f"{local[:1]}***@{first[:1]}***{dot}{rest}" if local else ""


def render(kind: str, to: str, language: str, **values: Any) -> Mail:
    """Write a mail of a kind for one person."""
    engine = _engine(language)
    values = {**values, "language": language}
    subject = " ".join(engine.get_template(f"{kind}/subject.txt").render(**values).split())
    text, html = (engine.get_template(f"{kind}/{name}").render(**values, subject=subject) for name in ("body.txt", "body.html"))
    return Mail(to, subject, re.sub(r"\n{3,}", "\n\n", text.strip()) + "\n", html, language)


def send(settings: Settings, mail: Mail, *, ca_file: str = "", seconds: float = SECONDS) -> None:
    """Hand a mail to the mail server of the settings. Raises NotDelivered, ConfigError for a port that is none.

    ``seconds``: how long the server may be silent at each step.
    """
    sender = address_in(settings.text("smtp_from"))
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, mail.to, mail.subject
    message["Date"], message["Message-ID"] = formatdate(clock.now().timestamp()), make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    message["Content-Language"] = mail.language  # after the parts: it would move into the first
    host, port, security = settings.text("smtp_host").strip(), settings.integer("smtp_port"), settings.choice("smtp_tls")
    server: _Plain | _Tls | None = None
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        server = (_Tls(host, port, local_hostname="localhost", timeout=seconds, context=context) if security == "tls"
                  else _Plain(host, port, local_hostname="localhost", timeout=seconds))
        if security == "starttls":
            server.starttls(context=context)
        if user := settings.text("smtp_user").strip():
            server.login(user, settings.text("smtp_password"))
        server.send_message(message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        # Of a server's words nothing is kept: they repeat addresses.
        codes = _codes(error)
        symptom = " ".join([type(error).__name__, *map(str, sorted(set(codes)))])
        raise NotDelivered(f"the mail server {host} did not take a mail ({symptom})", symptom=symptom,
                           is_unsure=server is not None and server.is_telling and not codes,
                           is_final=bool(codes) and min(codes) >= _FOR_GOOD, is_general=not codes) from None
    else:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()  # whatever it says to that, it has the mail
    finally:
        if server is not None:
            server.close()
    _log.info("a mail was sent to %s", masked(mail.to))


class _Telling:
    """Notes when the mail itself begins to be told: from then on silence proves nothing."""

    is_telling = False

    def data(self, msg: Any) -> Any:
        """Tell the mail."""
        self.is_telling = True
        return super().data(msg)  # type: ignore[misc]  # of smtplib's classes


class _Plain(_Telling, smtplib.SMTP):
    """A conversation in the clear, until STARTTLS."""


class _Tls(_Telling, smtplib.SMTP_SSL):
    """A conversation in TLS from the start."""


def _codes(error: Exception) -> list[int]:
    """What the server answered to this mailbox or this mail, if that was a no: it settles the matter."""
    found = []
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        found = [code for code, _words in error.recipients.values()]
    elif isinstance(error, smtplib.SMTPDataError):
        found = [error.smtp_code]
    return [code for code in found if code >= _NOT_NOW]


@cache
def _engine(language: str) -> Environment:
    engine = Environment(loader=FileSystemLoader(_PACKAGE / "templates" / "mail"), undefined=StrictUndefined, trim_blocks=True,
                         lstrip_blocks=True, autoescape=select_autoescape(("html",)), extensions=["jinja2.ext.i18n"])
    words = Translations.load(_PACKAGE / "translations", [language.replace("-", "_")])
    engine.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    engine.filters.update(  # 1250|cents("USD"), "2026-11-22"|day
        cents=lambda value, currency: written.money(Money(value, currency), language),
        day=lambda value: written.day(date.fromisoformat(value), language),
        moment=lambda value: written.moment(datetime.fromisoformat(value), language))
    return engine
