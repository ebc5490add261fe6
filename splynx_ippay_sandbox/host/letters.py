"""The host's mails about documents: templates an administrator may edit, rendered in Jinja's sandbox, sent over SMTP.

Twig as far as both engines share it. The order is the real one: the events of a new document are delivered first, and
only then is its mail rendered, so that an add-on may have filled in an additional field by then.
"""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from splynx_ippay_sandbox import mail
from splynx_ippay_sandbox.host import events, fields

if TYPE_CHECKING:
    from splynx_ippay_sandbox.host.part import HostPart
    from splynx_ippay_sandbox.host.state import HostState
    from splynx_ippay_sandbox.host.table import Row, Table

KINDS = {"invoice": "Invoice", "proforma": "Proforma invoice"}
# Where a document's additional fields are registered (``main_module`` of the command for add-ons).
FIELD_MODULES = {"invoice": "invoices", "proforma": "requests"}
_SUBJECT = "{} {{{{ invoice_number }}}}"
_BODY = """<p>Dear {{ customer.name }},</p>
<p>TITLE {{ invoice_number }} (ID {{ invoice_id }}) over {{ total }} is ready. It is due on {{ date_till }}.</p>
{% for field in additional_fields %}{% if field.value %}<p>{{ field.title }}: <a href="{{ field.value }}">{{ field.value }}</a></p>
{% endif %}{% endfor %}<p>Your provider</p>
"""
_ENGINE = ImmutableSandboxedEnvironment(autoescape=True)
_LINE = ImmutableSandboxedEnvironment(autoescape=False)
_LONGEST_WAIT = 10.0


class NotSent(ValueError):
    """The mail did not go out; the text says why."""


@dataclass(slots=True)
class Template:
    """One kind of mail as the administrator has it."""

    subject: str
    body: str


def defaults() -> dict[str, Template]:
    """The templates of a new host: whatever is in the document's additional fields stands in them by itself."""
    return {kind: Template(_SUBJECT.format(title), _BODY.replace("TITLE", title)) for kind, title in KINDS.items()}


def table_of(state: HostState, kind: str) -> Table:
    """The documents of a kind."""
    return state.invoices if kind == "invoice" else state.requests


def send(host: HostPart, kind: str, document_id: int) -> dict[str, Any]:
    """Mail a document to its customer, after the events under way have been delivered. Raises NotSent."""
    events.settle(host.state, _LONGEST_WAIT)
    with host.world.lock:
        row = table_of(host.state, kind).find(document_id)
        if row is None or row["deleted"] == "1":
            raise NotSent("There is no such document.")
        message = _render(host.state, kind, row)
    try:
        # Not under the world's lock: a mail server takes its time.
        mail.send(host.world, message)
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"The mail was not sent: {type(error).__name__}") from None
    with host.world.lock:
        table = table_of(host.state, kind)
        table.update(row, {"is_sent": "1"})
        events.emit(host.state, kind, "send", table.show(row))
    return {"to": str(message["To"]), "subject": str(message["Subject"])}


def _render(state: HostState, kind: str, row: Row) -> EmailMessage:
    customer = state.customers.rows[row["customer_id"]]
    address = customer["billing_email"] or customer["email"]
    if not address:
        raise NotSent("The customer has no e-mail address.")
    template = state.templates[kind]
    try:
        subject = _LINE.from_string(template.subject).render(_context(state, kind, row, customer))
        body = _ENGINE.from_string(template.body).render(_context(state, kind, row, customer))
    except (TemplateError, TypeError, ValueError) as error:
        raise NotSent(f"The template cannot be rendered: {error}") from None
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = mail.SENDER, address, " ".join(subject.split())
    message.set_content(body, subtype="html")
    return message


def _context(state: HostState, kind: str, row: Row, customer: Row) -> dict[str, Any]:
    registered = [field for field in state.registry.additional_fields.values() if field["main_module"] == FIELD_MODULES[kind]]
    values = row["additional_attributes"]
    return {
        "invoice_id": row["id"], "invoice_number": row["number"], "number": row["number"], "date_till": row["date_till"],
        "total": f"{fields.cents_text(row['total'])} {state.currency['symbol']}",
        "customer": state.customers.show(customer),
        "loader": SimpleNamespace(values=SimpleNamespace(splynx_url=state.url)),
        "additional_attributes": {field["name"]: values.get(field["name"], "") for field in registered},
        "additional_fields": [{"title": field["title"], "value": values.get(field["name"], "")} for field in registered],
    }
