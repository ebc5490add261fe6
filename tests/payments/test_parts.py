"""Parts of an invoice and several debts in one sale, as the core takes them."""

from dataclasses import replace

import pytest

from splynx_ippay.base.errors import AlreadyOpen, AmountChanged, BadInput
from splynx_ippay.base.money import Money
from splynx_ippay.payments import due
from splynx_ippay.payments.models import State


@pytest.fixture(autouse=True)
def parts(core, settings_of):
    settings_of(core, part_payments="1", part_minimum="5.00")


def part(item, cents):
    return replace(item, amount=Money(cents, "USD"), is_part=True)


def due_cents(sandbox, item):
    return Money.from_host(sandbox.invoice(item.document_id)["due"], "USD").cents


def test_a_part_may_be_less_than_what_is_due_and_leaves_the_rest(desk, sandbox):
    item = desk.invoice()
    attempt = desk.pay(desk.saved_card(), part(item, 700))
    assert attempt.state == State.APPROVED
    assert due_cents(sandbox, item) == item.amount.cents - 700
    assert sandbox.sales()[0]["amount_cents"] == 700


def test_a_part_is_never_more_than_what_is_due_when_it_is_taken(desk, sandbox):
    item, method = desk.invoice(), desk.saved_card()
    desk.pay_elsewhere(item, item.amount.cents - 600)
    with pytest.raises(AmountChanged) as caught:
        desk.pay(method, part(item, 700))
    assert caught.value.due == Money(600, "USD")
    assert sandbox.sales() == []
    assert desk.pay(method, part(item, 600)).state == State.APPROVED


def test_parts_one_after_the_other_never_add_up_to_more_than_the_document(desk, sandbox):
    item, method = desk.invoice(), desk.saved_card()
    assert desk.pay(method, part(item, 1000)).state == State.APPROVED
    with pytest.raises(AmountChanged):
        desk.pay(method, part(item, item.amount.cents - 900))
    assert desk.pay(method, replace(item, amount=Money(item.amount.cents - 1000, "USD"))).state == State.APPROVED
    assert sandbox.invoice(item.document_id)["status"] == "paid"


def test_a_part_never_leaves_less_than_the_smallest_payment_through_any_door(desk, sandbox, settings_of, core):
    settings_of(core, minimum_amount="2.00")
    item, method = desk.invoice(), desk.saved_card()
    for door in ("portal", "link", "staff"):
        with pytest.raises(AmountChanged, match="less than the smallest payment") as caught:
            desk.pay(method, part(item, item.amount.cents - 199), door=door)
        assert caught.value.due == item.amount
    assert sandbox.sales() == []
    assert desk.pay(method, part(item, item.amount.cents - 200)).state == State.APPROVED


def test_less_than_what_is_due_without_saying_that_it_is_a_part_is_a_changed_amount(desk, sandbox):
    item = desk.invoice()
    with pytest.raises(AmountChanged):
        desk.pay(desk.saved_card(), replace(item, amount=Money(700, "USD")))
    assert sandbox.sales() == []


def test_a_part_below_the_minimum_of_a_proforma_or_with_the_setting_off_is_refused(desk, core, settings_of, sandbox):
    item, method = desk.invoice(), desk.saved_card()
    with pytest.raises(BadInput, match="The smallest part"):
        desk.pay(method, part(item, 499))
    with pytest.raises(BadInput, match="Only the whole amount"):
        desk.pay(method, part(desk.proforma(), 600))
    settings_of(core, part_payments="0")
    with pytest.raises(BadInput, match="Only the whole amount"):
        desk.pay(method, part(item, 700))
    assert desk.attempts() == []
    assert sandbox.sales() == []


def test_a_debt_of_a_cart_that_is_held_stops_the_whole_cart(desk, sandbox):
    first, second = desk.invoice(), desk.invoice(position=1)
    held = desk.pay(desk.saved_bank(), second)
    with pytest.raises(AlreadyOpen) as caught:
        desk.pay(desk.saved_card(), first, second)
    assert caught.value.attempt_id == held.id
    assert len(sandbox.sales()) == 1


def test_a_cart_whose_answer_was_lost_is_found_and_every_line_is_booked(desk, sandbox):
    method, first, second = desk.saved_card(), desk.invoice(), desk.invoice(position=1)
    attempt = desk.lose_answer(method, second, first)
    assert attempt.state == State.UNKNOWN
    with pytest.raises(AlreadyOpen):
        desk.pay(method, first)
    desk.tick(seconds=6)
    desk.tick(days=1)
    attempt = desk.attempt(attempt.id)
    assert attempt.state == State.APPROVED
    assert [line.document_id for line in attempt.lines] == [second.document_id, first.document_id]  # the person's order
    assert len(desk.payments_of(attempt)) == 2


def test_a_returned_debit_of_several_opens_every_invoice_again(desk, sandbox, core, settings_of):
    settings_of(core, bank_posting="on_acceptance")
    method, first, second = desk.saved_bank(), desk.invoice(), desk.invoice(position=1)
    attempt = desk.pay(method, first, second)
    assert len(desk.payments_of(attempt)) == 2
    sandbox.control("POST", "returns", {"transaction_id": attempt.transaction_id, "code": "R02"})
    desk.tick(days=5)
    desk.tick(seconds=60)
    assert desk.attempt(attempt.id).state == State.RETURNED
    assert desk.payments_of(attempt) == []
    assert {sandbox.invoice(item.document_id)["status"] for item in (first, second)} == {"not_paid"}


def test_a_debt_we_have_a_payment_for_is_not_offered_again_when_it_was_deleted_in_splynx(desk, core, sandbox):
    item = desk.invoice()
    attempt = desk.pay(desk.saved_card(), item)
    assert item.document_id not in {debt.document_id for debt in due.open_debts(core, 1, "USD")}
    desk.excused.add("lost")  # somebody deletes it; the nightly look finds that (test_watching)
    core.host.delete_payment(attempt.lines[0].splynx_payment_id)
    assert sandbox.invoice(item.document_id)["status"] == "not_paid"
    assert item.document_id not in {debt.document_id for debt in due.open_debts(core, 1, "USD")}
