"""Asking for ZIP codes: one mail a customer, whatever is pressed how often."""

from __future__ import annotations

import pytest

from splynx_ippay.asks import zips

JOHN, OBRIEN, ASHLEY = 1, 2, 3


@pytest.fixture
def ask(village):
    def press(*customer_ids, by="staff 1"):
        return [one.customer_id for one in zips.ask(village.core, customer_ids, partner_id=None, by=by)]

    return press


def why_not(village, *customer_ids):
    return {one.customer_id: one.why_not for one in zips.examine(village.core, customer_ids, partner_id=None, most=100)}


def test_two_cards_are_one_mail_that_names_both_and_leads_to_the_portal(village, ask):
    village.card(JOHN, postal_code="")
    village.card(JOHN, number="5555555555554444", postal_code="")
    assert ask(JOHN) == [JOHN]
    assert ask(JOHN) == []
    village.tick("mails", "mails")
    mail, = village.mails()
    assert mail["subject"] == "Please add the ZIP code of your saved card"
    assert "Visa •••• 1111" in mail["text"]
    assert "Mastercard •••• 4444" in mail["text"]
    assert "/ippay/credentials" in mail["text"]


def test_who_gets_no_mail_has_a_reason(village, ask, sandbox):
    village.card(JOHN, postal_code="")
    village.change(village.card(ASHLEY, postal_code=""), exp_year=2020)
    village.card(99_999, postal_code="")
    assert why_not(village, JOHN, OBRIEN, ASHLEY, 99_999) == {JOHN: "", OBRIEN: "has_zip", ASHLEY: "expired", 99_999: "gone"}
    ask(JOHN)
    assert why_not(village, JOHN) == {JOHN: "asked"}
    sandbox.jump(days=3, seconds=0)
    assert why_not(village, JOHN) == {JOHN: ""}
    assert ask(JOHN) == [JOHN]
    assert [ask.stage for ask in village.asks()] == ["1", "2"]


def test_who_typed_it_before_the_mail_goes_out_gets_none(village, ask):
    card = village.card(JOHN, postal_code="")
    ask(JOHN)
    village.change(card, postal_code="80202")
    village.tick("mails")
    assert [(mail.state, mail.reason) for mail in village.outbox()] == [("skipped", "overtaken")]


def test_who_was_asked_finds_the_field_in_the_portal_and_the_zip_goes_with_the_next_sale(village, ask, browser_of, sandbox):
    village.card(JOHN, postal_code="")
    john = browser_of(1)
    assert not john.get("/ippay/credentials").says("The ZIP code is missing")  # the setting is off, nobody asked
    ask(JOHN)
    page = john.get("/ippay/credentials")
    assert page.says("The ZIP code is missing, so payments with this card may be declined.")
    assert john.submit(page, "/zip", postal_code="80203").says("was saved.")
    village.charge(JOHN)
    assert "<BillingPostalCode>80203</BillingPostalCode>" in "".join(sandbox.capture())
