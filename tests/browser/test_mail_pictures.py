"""The mails about payments as a mail program shows them: every kind, every language, pictured and examined."""

import pytest

from splynx_ippay.letters.kinds import KINDS
from splynx_ippay.notifications import enqueue
from splynx_ippay.payments import charge
from splynx_ippay.payments.models import Attempt, Door, State
from splynx_ippay.payments.orders import SavedMethod, new_submission_key

# How a payment comes to owe each: with what it is paid, and the states it is then moved to.
WAYS = {
    "paid": ("card", []),
    "debit_received": ("bank", []),
    "debit_paid": ("bank", [State.APPROVED]),
    "debit_returned": ("bank", [State.RETURNED]),
    "cancelled": ("card", [State.VOIDED]),
    "not_taken": ("card", [State.REVIEW, State.ABANDONED]),
}
# A mail is shown inside the page of a mail program, which has its own.
LANDMARKS = ("landmark-one-main", "region")


@pytest.fixture
def pay_a_part(town, sandbox, settings_of):
    """A payment of a part of the dearest invoice of the first customer."""
    def pay(method):
        settings_of(town.core, part_payments="1", part_minimum="1.00", smtp_host=sandbox.facts["smtp_host"],
                    smtp_port=sandbox.facts["smtp_port"], smtp_tls="none", smtp_from="pay@north.example", brand_name="North & Sons",
                    mail_contact="Telephone +1 303 555 0100, help@north.example")
        row = max(sandbox.unpaid_invoices(1), key=lambda row: float(row["due"]))
        item = charge.Item("invoice", int(row["id"]), row["number"], charge.Money(700, "USD"), is_part=True)
        return charge.take(town.core, charge.Order(door=Door.PORTAL, customer_id=1, partner_id=1, items=(item,), actor="customer 1",
                                                   source=SavedMethod(method.id), submission_key=new_submission_key()))

    return pay


def test_every_mail_about_a_payment_has_its_way_here():
    from splynx_ippay.letters import receipts

    about_payments = {name for name, kind in KINDS.items() if kind.facts.__module__ == receipts.__name__}
    assert about_payments == set(WAYS)


@pytest.mark.parametrize("kind", WAYS)
def test_the_mails_of_a_payment_are_pictured(gallery, visit, town, sandbox, settings_of, pay_a_part, kind):
    pictured, page = gallery("mail"), visit().page
    instrument, path = WAYS[kind]
    attempt = pay_a_part(town.card() if instrument == "card" else town.bank())
    for state in path:
        town.move(attempt, state)
    town.change(Attempt(id=attempt.id), return_code="R02" if kind == "debit_returned" else "")
    for language in pictured.languages:
        settings_of(town.core, language=language)
        town.core.database.run(lambda session, key=f"{kind} {language}": enqueue(
            session, kind=kind, key=key, customer_id=1, attempt_id=attempt.id, values={"again": False}))
        town.tick("mails")
        newest = sandbox.control("GET", "mails")["mails"][-1]
        assert newest["language"] == language
        page.goto(f"/_sandbox/mails/{newest['id']}")
        assert page.locator("h1").inner_text().split() == newest["subject"].split()
        pictured._in_language(kind, page, language, check=False)
        assert [found for found in pictured.examine(page) if not found.startswith(LANDMARKS)] == []
    assert attempt.reference in page.content()
