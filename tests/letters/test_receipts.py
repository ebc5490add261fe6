"""What stands in the mails about a payment, letter by letter; and that each says only what is true when it goes out."""

import re
from datetime import UTC, datetime

import pytest

from splynx_ippay.base.written import day, moment
from splynx_ippay.credentials import Method
from splynx_ippay.letters import kinds, sending
from splynx_ippay.payments import charge, states
from splynx_ippay.payments.models import Door, Line, State


@pytest.fixture
def desk(desk, settings_of):
    settings_of(desk.core, mail_contact="+1 303 555 0100,\n help@north.example", part_payments="1", part_minimum="1.00")
    return desk


@pytest.fixture
def posted(desk, caught):
    """Sends what is owed; the new mails, with what differs from run to run replaced."""
    seen = []

    def post():
        sending.tick(desk.core)
        new = caught()[len(seen):]
        seen.extend(new)
        return [{**mail, "text": mail["text"].replace("\r\n", "\n")} for mail in new]

    return post


def text_of(mail, attempt):
    days = {moment(attempt.answered_at or attempt.created_at, "en"): "TODAY, NOW", attempt.reference: "REFERENCE"}
    text = mail["text"]
    for found, name in days.items():
        text = text.replace(found, name)
    return re.sub(r"Approval code: \w+", "Approval code: APPROVAL", text)


def decide(desk, attempt, *path):
    for to in path:
        desk.core.database.run(lambda session, to=to: states.move(session, states.get_attempt(session, attempt.id), to, reason="evidence"))


def come_back(desk, attempt, code):
    desk.sandbox.control("POST", "returns", {"transaction_id": attempt.transaction_id, "code": code})
    desk.tick(days=4)


def test_the_receipt_of_a_card_payment_of_a_part(desk, posted):
    invoice = desk.invoice()
    part = charge.Item("invoice", invoice.document_id, invoice.number, invoice.amount - desk.topup(200).amount, is_part=True)
    attempt = desk.pay(desk.saved_card(), part)
    [mail] = posted()
    assert mail["subject"] == "Receipt: you paid $13.00"
    assert text_of(mail, attempt) == f"""Hello John Sway,

Your payment of $13.00 was approved. Thank you. You do not need to do anything.

This is a test payment: no real money moves.

Paid to: North & Sons
Date: TODAY, NOW
Invoice {invoice.number}: $13.00 of $15.00
Still open after this payment: $2.00
Amount: $13.00
Paid with: Visa •••• 1111
Approval code: APPROVAL
Reference: REFERENCE

If you did not expect this payment, please tell North & Sons and quote the reference.
+1 303 555 0100, help@north.example
"""
    for words in ("Receipt: you paid $13.00", "$13.00 of $15.00", "Visa •••• 1111", attempt.reference, "North &amp; Sons"):
        assert words in mail["html"]


def test_an_accepted_debit_is_told_as_on_its_way_with_its_days_and_what_was_authorized(desk, posted):
    invoice = desk.invoice()
    attempt = desk.take(desk.new_bank(), invoice, desk.topup(500))
    [mail] = posted()
    from splynx_ippay.payments.view import debit_days

    days = debit_days(attempt)
    given = next(event for event in desk.events(attempt.id) if event.kind == "authorized")
    assert mail["subject"] == f"Your bank debit of {money(attempt)} is on its way"
    assert text_of(mail, attempt).replace(moment(given.at, "en"), "TODAY, NOW") == f"""Hello John Sway,

We have asked your bank for $20.00. This is not a payment yet: it counts as paid when your bank has paid. You do not need to do anything, and please do not pay again.

What happens next

- {day(days.sent_on, "en")}: the debit was accepted for sending.
- About {day(days.leaves_on, "en")}: the money leaves your account. Please keep enough money on it.
- Until {day(days.final_on, "en")}: your bank may send the debit back, for example if there is not enough money. Then the amount is open again, and we will write to you.

This is a test payment: no real money moves.

Provider: North & Sons
Date: TODAY, NOW
Invoice {invoice.number}: $15.00
Money added to your account: $5.00
Amount: $20.00
From: Bank account •••• 4567
Reference: REFERENCE

What you have authorized, on TODAY, NOW

I authorize the debit.

To withdraw it, remove the bank account under IpPay payment credentials in the portal, or tell North & Sons.

If you did not expect this debit, please tell North & Sons and quote the reference.
+1 303 555 0100, help@north.example
"""


def test_a_debit_whose_authorization_is_not_kept_here_is_told_without_one(desk, posted):
    attempt = desk.pay(desk.saved_bank(), desk.topup(5000))
    desk.core.database.run(lambda session: setattr(session.get(Method, attempt.method_id), "consent_text", ""))
    assert "authorized" not in posted()[0]["text"]


def money(attempt):
    return f"${attempt.amount.decimal()}"


def test_a_saved_account_brings_the_authorization_it_was_saved_with(desk, posted, settings_of):
    desk.pay(desk.saved_bank(), desk.topup(5000))
    assert "\nI authorize the debit.\n" in posted()[0]["text"]


def test_a_debit_that_settled_has_its_receipt(desk, posted):
    invoice = desk.invoice()
    attempt = desk.pay(desk.saved_bank(), invoice)
    posted()
    desk.tick(days=3)
    [mail] = posted()
    attempt = desk.attempt(attempt.id)
    assert mail["subject"] == "Receipt: your bank has paid $15.00"
    assert text_of(mail, attempt) == f"""Hello John Sway,

Your bank debit of $15.00 went through. Thank you. You do not need to do anything.

This is a test payment: no real money moves.

Paid to: North & Sons
Date: TODAY, NOW
Invoice {invoice.number}: $15.00
Amount: $15.00
Paid with: Bank account •••• 4567
Settled on: {day(attempt.settled_on, "en")}
Reference: REFERENCE

If you did not expect this payment, please tell North & Sons and quote the reference.
+1 303 555 0100, help@north.example
"""


@pytest.mark.parametrize(("code", "is_topup", "words"), [
    ("R01", False, ["came back unpaid: there was not enough money on the account.", "may be asked for it once more until"]),
    ("R02", False, ["came back unpaid: the account is closed.", "The amount is open again."]),
    ("R24", True, ["came back unpaid: your bank did not allow it.", "The money does not count for your account."]),
])
def test_a_debit_that_came_back_says_why_and_what_to_do(desk, posted, code, is_topup, words):
    attempt = desk.pay(desk.saved_bank(), desk.topup(5000) if is_topup else desk.invoice())
    posted()
    come_back(desk, attempt, code)
    assert desk.attempt(attempt.id).state == State.RETURNED
    mail = posted()[-1]
    assert mail["subject"].endswith("came back")
    assert [word for word in words if word not in mail["text"]] == []
    assert "Approval code" not in mail["text"]
    if code == "R01":
        assert "open again" not in mail["text"]
        assert day(desk.line(attempt).hold_until, "en") in mail["text"]


def test_a_debit_that_is_presented_again_is_told_without_days_nobody_knows(desk, posted):
    attempt = desk.pay(desk.saved_bank(), desk.topup(5000))
    posted()
    decide(desk, attempt, State.RETURNED, State.ACCEPTED)
    [mail] = posted()
    assert mail["text"].startswith("Hello John Sway,\n\nYour bank is asked once more for $50.00, after the debit has come back.")
    assert "What happens next" not in mail["text"]


def test_a_cancelled_payment_is_told(desk, posted, sandbox):
    attempt = desk.pay(desk.saved_card(), desk.topup(5000))
    assert len(posted()) == 1
    decide(desk, attempt, State.VOIDED)
    [mail] = posted()
    assert mail["subject"] == "Your payment of $50.00 was cancelled"
    assert "The money is not taken, or goes back to where it came from." in mail["text"]


@pytest.mark.parametrize(("to", "code", "words"), [
    (State.ABANDONED, "", "no money was taken.\n\nThis is a test"),
    (State.DECLINED, "051", "There is not enough money available on this card"),
])
def test_a_lost_answer_that_was_a_no_is_told_with_its_reason(desk, posted, sandbox, to, code, words):
    attempt = desk.lose_answer(desk.saved_card(), desk.topup(5000), kind="drop_before")
    assert posted() == []
    desk.core.database.run(lambda session: states.move(session, states.get_attempt(session, attempt.id), to, reason="evidence",
                                                       action_code=code))
    [mail] = posted()
    assert mail["subject"] == "Your payment of $50.00 was not taken"
    assert words in mail["text"]


def test_of_a_debit_that_settled_before_the_mail_went_only_the_news_goes_out(desk, posted, outbox):
    desk.pay(desk.saved_bank(), desk.invoice())
    desk.sandbox.jump(seconds=60)
    with_news = desk.attempts()[0]
    decide(desk, with_news, State.APPROVED)
    [mail] = posted()
    assert mail["subject"].startswith("Receipt: your bank has paid")
    assert outbox.states() == [("debit_received", "skipped", "overtaken"), ("debit_paid", "sent", "")]


def test_an_unnamed_provider_and_an_unknown_document_have_words(desk, posted, settings_of, sandbox):
    from splynx_ippay import notifications

    facts = {"name": "Ann", "merchant": "", "contact": "", "cents": 100, "currency": "USD", "source": "Card", "last_four": "1111",
             "at": datetime(2026, 11, 22, 10, tzinfo=UTC).isoformat(), "approval": "", "reference": "X", "is_topup": False, "settled_on": "", "is_test": False,
             "lines": [{"label": "Payment", "number": "", "cents": 100, "rest_cents": None}]}
    mail = notifications.render("paid", "ann@mail.example", "en", **facts)
    assert "Paid to: Your internet provider" in mail.text
    assert "please tell your internet provider" in mail.text
    assert "Payment: $1.00" in mail.text
    assert "<br>" not in mail.html
    assert "test" not in mail.text


def test_the_name_somebody_gave_the_fee_is_printed_as_it_stands(desk, posted, settings_of):
    desk.pay(desk.saved_card(), desk.topup(5000))
    attempt = desk.attempts()[0]
    desk.core.database.run(lambda session: session.add(Line(
        attempt_id=attempt.id, position=2, document="fee", amount_cents=150, booking="none", booking_version=1, number="",
        terms={"name": "3% <b>fee</b> %(amount)s", "tax_percent": "0", "tax_cents": 0})))
    [mail] = posted()
    assert "3% <b>fee</b> %(amount)s: $1.50" in mail["text"]
    assert "3% &lt;b&gt;fee&lt;/b&gt; %(amount)s" in mail["html"]


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_every_kind_of_mail_has_its_templates_and_its_switch(kind):
    from splynx_ippay.base.settings import BY_KEY
    from splynx_ippay.notifications import mail

    switch = kinds.KINDS[kind].switch  # none where what owes the mail has looked
    assert not switch or BY_KEY[switch].kind == "boolean"
    for part in ("subject.txt", "body.txt", "body.html"):
        mail._engine("en").get_template(f"{kind}/{part}")


def test_a_receipt_goes_to_the_customer_whoever_pressed(desk, posted):
    desk.pay(desk.saved_card(), desk.topup(5000), door=Door.STAFF, actor="staff 1 (admin)")
    desk.pay(desk.saved_card(), desk.topup(5000), door=Door.RUN, actor="run 1")
    assert {mail["to"] for mail in posted()} == {"customer1@mail.example"}
