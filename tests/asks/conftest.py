"""Charges that were declined, and the mails that follow."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from splynx_ippay.asks import Ask
from splynx_ippay.ippay.messages import BankAccount, Card
from splynx_ippay.notifications import OutboxMail
from splynx_ippay.payments import saving
from splynx_ippay.payments.orders import Consent
from splynx_ippay.runs import plan as planning
from splynx_ippay.runs import work
from splynx_ippay.runs.filters import Filters
from splynx_ippay.tasks import TASKS


class Village:
    """People with saved methods, Charges that take from them, the worker, and what was asked and mailed."""

    def __init__(self, core, sandbox, settings_of):
        self.core, self.sandbox, self.set = core, sandbox, lambda **values: settings_of(core, **values)

    def card(self, customer_id, *, year=2039, month=12, number="4111111111111111", partner_id=1, postal_code="80202", **more):
        card = Card(number=number, exp_month=month, exp_year=year, holder="Test Payer", postal_code=postal_code)
        return saving.save(self.core, customer_id, partner_id, card, None, **more)

    def bank(self, customer_id):
        account = BankAccount(routing="011401533", account="123456789", kind="CHECKING", holder="Test Payer")
        return saving.save(self.core, customer_id, 1, account, Consent("test", "I agree.", "127.0.0.1"))

    def change(self, row, **values):
        self.core.database.run(lambda session: session.execute(update(type(row)).where(type(row).id == row.id).values(**values)))

    def charge(self, *customer_ids, code="", wire="SALE"):
        """A Charge of these customers, each refused with the code."""
        run = planning.plan(self.core, Filters(customer_ids=tuple(customer_ids)), "staff 1")
        if code:
            for _ in range(run.ready_count):
                self.sandbox.control("POST", "answers", {"type": wire, "action_code": code})
        work.start(self.core, run.id, run.plan_hash, "staff 1")
        work.tick(self.core)
        return run

    def tick(self, *jobs):
        for job in jobs:
            TASKS[job](self.core)

    def asks(self):
        with self.core.database.read() as session:
            return list(session.scalars(select(Ask).order_by(Ask.id)))

    def outbox(self):
        """The mails that ask; receipts are not what these tests are about."""
        with self.core.database.read() as session:
            return list(session.scalars(select(OutboxMail).where(OutboxMail.kind.in_(["ask", "ask_zip", "expiry"])).order_by(OutboxMail.id)))

    def mails(self):
        return self.sandbox.control("GET", "mails")["mails"]

    def pay_in_cash(self, invoice):
        self.core.host.client.post("admin/finance/payments", {
            "customer_id": int(invoice["customer_id"]), "invoice_id": int(invoice["id"]), "payment_type": 1, "date": "2026-01-01",
            "amount": invoice["due"], "comment": "cash"})


@pytest.fixture
def village(registered_core, sandbox, settings_of):
    """The add-on with the sandbox's mail server set; receipts are not what these tests are about."""
    settings_of(registered_core, smtp_host=sandbox.facts["smtp_host"], smtp_port=sandbox.facts["smtp_port"], smtp_tls="none",
                smtp_from="pay@north.example", brand_name="North & Sons", mail_receipts="0")
    return Village(registered_core, sandbox, settings_of)
