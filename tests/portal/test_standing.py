"""Saved methods that cannot be charged, or soon cannot: what the customer reads, and the button that mends it."""

import pytest
from sqlalchemy import select, update

from splynx_ippay.base import clock
from splynx_ippay.credentials import Method
from splynx_ippay.payments.models import Attempt


@pytest.fixture
def stored(core):
    def read():
        with core.database.read() as session:
            return list(session.scalars(select(Method).order_by(Method.id)))

    return read


@pytest.fixture
def change(core):
    def write(method, **values):
        core.database.run(lambda session: session.execute(update(Method).where(Method.id == method.id).values(**values)))

    return write


def this_month():
    today = clock.now()
    return {"exp_month": today.month, "exp_year": today.year}


def test_a_card_in_its_last_month_says_so_and_the_new_one_takes_its_place(john, add_card, numbers, stored, change):
    change(stored()[0], **this_month())
    page = john.get("/ippay/credentials")
    assert page.says("This card expires at the end of this month. Please add the new one in time.", "Add the new card")
    assert not page.says("Until then invoices are not paid automatically.")
    form = john.get("/ippay/credentials?add=card")
    assert '<details class="saved" id="add-card" open>' in form.text
    assert dict(form.form("/credentials/card").values({}))["make_default"] == "1"
    page = add_card(john, numbers.amex)
    assert page.says("The card was saved. Nothing was charged.", "American Express •••• 0005, 12/2030 is the default now.")
    assert "Add the new card" not in page.words  # the old one is no default any more: nothing presses
    assert [method.is_default for method in stored()] == [False, True]


def test_who_unticks_it_keeps_the_default(john, add_card, numbers, stored, change):
    change(stored()[0], **this_month())
    add_card(john, numbers.amex, make_default=False)
    assert [method.is_default for method in stored()] == [True, False]
    page = john.get("/ippay/credentials")
    assert page.says("Charge American Express •••• 0005, 12/2030 instead")
    john.submit(page, "/default")
    assert [method.is_default for method in stored()] == [False, True]


def test_while_the_default_stands_well_a_second_card_only_becomes_it_by_a_tick(john, add_card, numbers, stored):
    add_card(john, numbers.amex)
    assert [method.is_default for method in stored()] == [True, False]
    add_card(john, numbers.amex, make_default=True)
    assert [method.is_default for method in stored()] == [False, False, True]


def test_an_expired_default_stops_automatic_payments_and_the_next_card_is_charged_in_its_place(john, add_card, numbers, stored, change):
    change(stored()[0], exp_year=2020)
    assert john.get("/ippay/credentials").says(
        "This card has expired, so it cannot be charged any more. Please add the new one.",
        "Until then invoices are not paid automatically.")
    add_card(john, numbers.amex, make_default=False)  # nothing else could be charged
    assert [method.is_default for method in stored()] == [False, True]
    page = john.get("/ippay/credentials")
    assert not page.says("Until then invoices are not paid automatically.")
    assert "/credentials/1/default" not in page.text


def test_a_card_refused_for_good_is_marked_without_a_word_of_why_until_it_is_approved_again(john, invoice, core, stored):
    def answer(state, code):
        method = stored()[0]
        now = clock.now()
        with core.database.read() as session:
            count = len(list(session.scalars(select(Attempt.id))))
        core.database.run(lambda session: session.add(Attempt(
            transaction_id=f"TEST{count:014d}", submission_key=f"test {count}", kind="sale", door="run", actor="run 1", customer_id=1,
            partner_id=1, terminal_id=method.terminal_id, environment=method.environment, currency="USD", amount_cents=100,
            instrument="card", method_id=method.id, last_four=method.last_four, state=state, action_code=code, created_at=now, send_by_at=now, state_at=now)))

    answer("declined", "043")
    page = john.get("/ippay/credentials")
    assert page.says("Your bank did not accept the last payment with this card and will not accept the next one.",
                     "Add another card", "Until then invoices are not paid automatically.")
    assert not any(word in page.words.lower() for word in ("stolen", "lost", "fraud"))
    answer("approved", "000")
    assert not john.get("/ippay/credentials").says("Your bank did not accept the last payment with this card")


def test_a_bank_account_refused_for_good_is_marked_too(portal, add_bank, core, stored):
    add_bank(portal)
    method, now = stored()[0], clock.now()
    core.database.run(lambda session: session.add(Attempt(
        transaction_id="TEST00000000000001", submission_key="test", kind="check", door="run", actor="run 1", customer_id=1, partner_id=1,
        terminal_id=method.terminal_id, environment=method.environment, currency="USD", amount_cents=100, instrument="bank",
        method_id=method.id, last_four=method.last_four, state="declined", action_code="046", created_at=now, send_by_at=now, state_at=now)))
    assert portal.get("/ippay/credentials").says("Your bank did not accept the last payment from this account", "Add another bank account")


def test_removing_is_offered_quietly_and_still_asked_twice(john, stored):
    page = john.get("/ippay/credentials")
    assert "btn-stop" not in page.text
    assert "btn-quiet" in page.text
    assert "btn-stop" in john.click(page, "/remove").text
    assert stored()[0].status == "active"
