"""The page /_sandbox/: every room of the control room with a link or a command. For people; programs use the rooms.

Must never change anything: what disturbs or moves the sandbox is shown as a command to paste, not as a button.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import Response, request
from markupsafe import Markup

if TYPE_CHECKING:
    from flask import Blueprint

LOOK = {
    "ledger": "everything really booked, at the gateway and in Splynx",
    "mails": "every mail that was caught; mails/<id> shows one as it looks",
    "events": "what Splynx told the webhooks",
    "counters": "calls by server and kind",
    "capture": "what the gateway received, byte for byte",
    "faults": "faults that are armed",
    "clock": "the sandbox's time",
    "gateway": "switches for what nobody knows of the real gateway",
}
DO: dict[str, tuple[str, dict[str, object]]] = {
    "clock": ("five days later", {"days": 5}),
    "faults": ("the answer to the next sale is lost", {"server": "gateway", "kind": "drop_after", "match": {"type": "SALE"}, "times": 1}),
    "answers": ("the next sale is declined", {"type": "SALE", "action_code": "051", "times": 1}),
    "send_invoice": ("Splynx mails an invoice", {"id": 1, "document": "invoice"}),
    "returns": ("a bank debit comes back in two days", {"transaction_id": "...", "code": "R01", "days": 2}),
    "chargebacks": ("a cardholder disputes a sale", {"transaction_id": "...", "reason": "fraud"}),
    "reset": ("start afresh", {"seed": "small"}),
}


def add(control: Blueprint) -> None:
    """Put the page at the door of the control room."""
    @control.get("/")
    def index() -> Response:
        base = request.base_url
        looks = Markup("").join(Markup('<li><a href="{0}">{0}</a>: {1}</li>').format(name, words) for name, words in LOOK.items())
        deeds = Markup("").join(
            Markup("<li>{2}<pre>curl -d '{0}' {1}</pre></li>").format(json.dumps(body), base + name, words)
            for name, (words, body) in DO.items())
        page = Markup(
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            "<title>Control room of the sandbox</title><h1>Control room of the sandbox</h1>"
            '<p><a href="/admin/mails">Caught mails, as staff see them</a></p>'
            "<h2>Look</h2><ul>{0}</ul><h2>Disturb and move</h2><ul>{1}</ul></html>").format(looks, deeds)
        return Response(page, mimetype="text/html")
