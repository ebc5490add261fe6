"""Documents by hand in the admin: create an invoice or proforma, mail one, and edit the mails' templates.

A new document's events are delivered before its mail is made, as in production (``letters``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, request

from splynx_ippay_sandbox.host import letters, web
from splynx_ippay_sandbox.host.admin import page
from splynx_ippay_sandbox.host.errors import Invalid
from splynx_ippay_sandbox.host.fields import read_cents
from splynx_ippay_sandbox.host.finance_resources import Invoices, Requests

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from splynx_ippay_sandbox.host.part import HostPart
    from splynx_ippay_sandbox.host.table import Row

_LONGEST_TEMPLATE = 50_000


def blueprint(host: HostPart) -> Blueprint:
    """Return the blueprint under /admin."""
    pages = Blueprint("host_documents", __name__, url_prefix="/admin")
    web.guard(pages, host, "admin")
    _add_documents(pages, host)
    _add_templates(pages, host)
    return pages


def create(host: HostPart, kind: str, customer_id: int, amount: str, description: str = "Service") -> Row:
    """A new document with one item, and its event. Raises Invalid, ValueError for an amount that is none."""
    cents = read_cents(amount)
    if cents <= 0:
        raise ValueError("The amount must be above 0.")
    resource = Invoices if kind == "invoice" else Requests
    with host.world.lock:
        documents = resource(host.state, letters.table_of(host.state, kind), "", kind)
        values = {"customer_id": customer_id, "date_till": host.state.today(),
                  "items": [{"description": description, "quantity": 1, "price": f"{cents // 100}.{cents % 100:02d}"}]}
        documents.check(values, None)
        row = documents.create(values)
        documents.tell("create", row)
    return row


def _kind(kind: str) -> str:
    if kind not in letters.KINDS:
        abort(404, "There is no such kind of document.")
    return kind


def _send(host: HostPart, kind: str, document_id: int) -> str:
    try:
        sent = letters.send(host, kind, document_id)
    except letters.NotSent as error:
        return str(error)
    return f"{sent['subject']} was sent to {sent['to']}."


def _add_documents(pages: Blueprint, host: HostPart) -> None:
    @pages.post("/documents/<kind>")
    def create_document(kind: str) -> Response:
        form, customer_id = request.form, request.form.get("customer_id", "")
        said = ""
        try:
            row = create(host, _kind(kind), int(customer_id), form.get("amount", ""), form.get("description", "") or "Service")
            said = f"{letters.KINDS[kind]} {row['number']} was created."
            if form.get("send") == "1":
                said += " " + _send(host, kind, row["id"])
        except Invalid as error:
            said = error.problems[0][1]
        except ValueError as error:
            said = f"Not created: {error}"
        with host.world.lock:
            web.say(said)
        return redirect(web.local_target("/admin/customers/list"))

    @pages.post("/documents/<kind>/<int:document_id>/send")
    def send_document(kind: str, document_id: int) -> Response:
        said = _send(host, _kind(kind), document_id)
        with host.world.lock:
            web.say(said)
        return redirect(web.local_target("/admin/finance/invoices"))


def _add_templates(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/config/templates")
    def templates() -> str:
        return _templates_page(host)

    @pages.post("/config/templates/<kind>")
    def save_template(kind: str) -> Response:
        body = request.form.get("body", "").replace("\r\n", "\n")
        with host.world.lock:
            if len(body) > _LONGEST_TEMPLATE:
                web.say("The template is too long.")
            else:
                host.state.templates[_kind(kind)] = letters.Template(request.form.get("subject", "")[:200], body)
                web.say("The template was saved.")
        return redirect("/admin/config/templates")

    @pages.get("/mails")
    def mails() -> str:
        with host.world.mail_lock:
            kept: list[dict[str, Any]] = host.world.mails[::-1]
        with host.world.lock:
            return page(host, "mails", active="mails", mails=kept)


def _templates_page(host: HostPart) -> str:
    with host.world.lock:
        return page(host, "templates", active="templates", templates=host.state.templates, kinds=letters.KINDS)
