"""Mails. Owns how they are written (templates/mail/<kind>/, in the person's language) and how they go out (SMTP).

Knows no request: a worker may send too. Must never log an address in full, a subject or a body.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from splynx_ippay.base import clock
from splynx_ippay.base.errors import AddOnError

if TYPE_CHECKING:
    from splynx_ippay.base.settings import Settings

_log = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parent
_SECONDS = 10  # for every step of the conversation
_LONGEST_ADDRESS = 254


class NotDelivered(AddOnError):
    """The mail server did not take the mail; the text names the kind of failure, never an address."""


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


def address_in(text: str) -> str:
    """The first usable address of a field that may hold several, "" when there is none or the field hides something."""
    if not text.isprintable():
        return ""
    for part in text.replace(";", ",").split(","):
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
    subject, text, html = (engine.get_template(f"{kind}/{name}").render(**values, language=language)
                           for name in ("subject.txt", "body.txt", "body.html"))
    return Mail(to, " ".join(subject.split()), text.strip() + "\n", html, language)


def send(settings: Settings, mail: Mail, *, ca_file: str = "") -> None:
    """Hand a mail to the mail server of the settings. Raises NotDelivered, ConfigError for a port that is none."""
    sender = address_in(settings.text("smtp_from"))
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, mail.to, mail.subject
    message["Date"], message["Message-ID"] = formatdate(clock.now().timestamp()), make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    message["Content-Language"] = mail.language  # after the parts: it would move into the first
    host, port, security = settings.text("smtp_host").strip(), settings.integer("smtp_port"), settings.choice("smtp_tls")
    try:
        context = ssl.create_default_context(cafile=ca_file or None)
        with (smtplib.SMTP_SSL(host, port, local_hostname="localhost", timeout=_SECONDS, context=context) if security == "tls"
              else smtplib.SMTP(host, port, local_hostname="localhost", timeout=_SECONDS)) as server:
            if security == "starttls":
                server.starttls(context=context)
            if user := settings.text("smtp_user").strip():
                server.login(user, settings.text("smtp_password"))
            server.send_message(message)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        # Of a server's words nothing is kept: they repeat addresses.
        raise NotDelivered(f"the mail server {host} did not take a mail ({type(error).__name__})") from None
    _log.info("a mail was sent to %s", masked(mail.to))


@cache
def _engine(language: str) -> Environment:
    engine = Environment(loader=FileSystemLoader(_PACKAGE / "templates" / "mail"), undefined=StrictUndefined, trim_blocks=True,
                         lstrip_blocks=True, autoescape=select_autoescape(("html",)), extensions=["jinja2.ext.i18n"])
    words = Translations.load(_PACKAGE / "translations", [language.replace("-", "_")])
    engine.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]  # the extension adds it
    return engine
