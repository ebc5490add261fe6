"""A charge of a customer's whole balance: what it takes, what it keeps others from, and what keeps it away."""

import dataclasses
import itertools
import threading
from decimal import Decimal

import pytest
from sqlalchemy import select

from splynx_ippay.base.errors import AddOnError, AlreadyOpen, AmountChanged, HostRejected, HostUnavailable, Stopped
from splynx_ippay.base.money import Money
from splynx_ippay.payments import balance, charge, due, fees, intent, states
from splynx_ippay.payments.models import Booking, DebtKey, Door, State

RUN = {"door": Door.RUN, "origin": "RECURRING", "actor": "run 1"}


def keys_of(core, attempt):
    with core.database.read() as session:
        return {key.target: key.open_target for key in session.scalars(
            select(DebtKey).where(DebtKey.line_id.in_([line.id for line in attempt.lines])))}


def owed(desk, customer_id=1):
    return -Money.from_host(desk.core.host.customer_billing(customer_id).deposit, "USD").cents


def test_a_balance_is_what_the_host_shows_as_owed_and_is_booked_on_the_account(desk, sandbox):
    desk.debit(9000)
    attempt = desk.pay(desk.saved_card(), desk.balance(), **RUN)
    assert (attempt.state, attempt.amount_cents) == (State.APPROVED, 30000)
    (booked,) = desk.payments_of(attempt)
    assert (booked["invoice_id"], booked["request_id"], float(booked["amount"])) == (None, None, 300.0)
    assert desk.line(attempt).booking == Booking.POSTED
    assert owed(desk) == 0
    assert sandbox.unpaid_invoices(1) == [], "the host spreads it: debits without an invoice first, then invoices"


def test_a_customer_with_an_invoice_of_10_and_a_debt_of_100_owes_10_to_one_charge_and_100_to_the_other(desk):
    invoice = desk.bill(1000, customer_id=5)
    desk.debit(6500, customer_id=5)  # with the 25.00 of the seed
    assert due.find_debt(desk.core, "invoice", currency="USD", document_id=invoice.document_id).due == Money(1000, "USD")
    assert desk.balance(5).amount == Money(10000, "USD")


def test_a_balance_holds_the_keys_of_every_open_document_and_frees_them_once_it_is_posted(desk, sandbox):
    sandbox.fault(server="host", kind="http_status", status=500, match={"method": "POST", "path": "finance/payments"})
    attempt = desk.pay(desk.saved_card(), desk.balance(), **RUN)
    assert attempt.state == State.APPROVED
    documents = {f"invoice:{row['id']}" for row in sandbox.unpaid_invoices(1)} | {f"proforma:{desk.proforma().document_id}"}
    assert keys_of(desk.core, attempt) == {key: key for key in {"customer:1", *documents}}
    desk.tick(seconds=400)
    desk.tick(seconds=400)
    assert desk.line(attempt).booking == Booking.POSTED
    assert set(keys_of(desk.core, attempt).values()) == {None}


@pytest.mark.parametrize("kind", ["invoice", "proforma", "topup", "bill", "balance"])
def test_nothing_of_a_customer_is_paid_while_the_balance_is_being_taken(desk, sandbox, kind):
    bank, card = desk.saved_bank(), desk.saved_card()
    debit = desk.pay(bank, desk.balance(), **RUN)
    assert debit.state == State.ACCEPTED
    item = {"invoice": desk.invoice, "proforma": desk.proforma, "topup": lambda: desk.topup(500),
            "bill": lambda: desk.bill(700), "balance": desk.balance}[kind]()
    with pytest.raises(AlreadyOpen) as refused:
        desk.pay(card, item)
    assert refused.value.door == "run"
    assert len(sandbox.sales()) == 1
    assert desk.pay(desk.saved_card(3), desk.invoice(3), customer_id=3).state == State.APPROVED, "others are not held up"


def test_people_are_shown_who_takes_the_balance_beside_every_document(desk):
    desk.pay(desk.saved_bank(), desk.balance(), **RUN)
    later = desk.bill(700)
    found = {debt.document_id: debt.held.who for debt in due.open_debts(desk.core, 1, "USD") if debt.document == "invoice"}
    assert len(found) == 4
    assert set(found.values()) == {"run"}
    assert due.find_debt(desk.core, "invoice", currency="USD", document_id=later.document_id).held.target == "customer:1"


@pytest.mark.parametrize("kind", ["invoice", "proforma", "topup"])
def test_no_balance_is_taken_while_anything_of_the_customer_is_being_paid(desk, sandbox, kind):
    item = {"invoice": desk.invoice, "proforma": desk.proforma, "topup": lambda: desk.topup(500)}[kind]()
    desk.pay(desk.saved_bank(), item)
    with pytest.raises(AlreadyOpen) as refused:
        desk.pay(desk.saved_card(), desk.balance(), **RUN)
    assert refused.value.door == "portal"
    assert len(sandbox.sales()) == 1


def test_a_balance_that_changed_since_it_was_seen_is_not_taken(desk, sandbox):
    item = desk.balance()
    desk.pay_elsewhere(desk.invoice(), 1500)
    with pytest.raises(AmountChanged) as changed:
        desk.pay(desk.saved_card(), item, **RUN)
    assert changed.value.due == Money(19500, "USD")
    assert sandbox.sales() == []
    assert desk.attempts()[0].state == State.ABANDONED


def test_a_customer_in_credit_owes_nothing(desk, sandbox):
    item = desk.balance()
    desk.pay_elsewhere(desk.topup(0), 25000)
    with pytest.raises(AmountChanged) as changed:
        desk.pay(desk.saved_card(), item, **RUN)
    assert not changed.value.due
    assert sandbox.sales() == []


def test_a_part_of_a_cent_of_the_host_is_not_charged():
    assert balance.owed_of(Decimal("-100.0099"), "USD") == Money(10000, "USD")
    assert balance.owed_of(Decimal("363.0000"), "USD") == Money.zero("USD")
    assert balance.owed_of(Decimal("-0.0099"), "USD") == Money.zero("USD")


def test_money_the_host_does_not_show_yet_is_taken_off_the_balance(desk, sandbox):
    """A sale found late holds no key, and a person decides about it: what it took is not taken again."""
    lost = desk.lose_answer(desk.saved_card(), desk.topup(4000))

    def late(session):
        attempt = states.get_attempt(session, lost.id)
        states.move(session, attempt, State.ABANDONED, reason="nobody knew of it")
        states.late_evidence(session, attempt, reason="the report shows it after all", says_taken=True)

    desk.core.database.run(late)
    with pytest.raises(AmountChanged) as changed:
        desk.pay(desk.saved_card(), desk.balance(), **RUN)
    assert changed.value.due == Money(17000, "USD")
    assert len(sandbox.sales()) == 1


def test_an_invoice_the_host_shows_as_pending_keeps_the_balance_untouched(desk, sandbox):
    desk.core.host.client.put(f"admin/finance/invoices/{desk.invoice().document_id}", {"status": "pending"})
    with pytest.raises(Stopped) as stopped:
        desk.pay(desk.saved_card(), desk.balance(), **RUN)
    assert stopped.value.reason == "invoice_pending"
    assert sandbox.sales() == []
    assert desk.attempts() == []


def test_an_invoice_a_balance_took_is_never_taken_again_even_if_the_host_spreads_nothing(desk, sandbox):
    sandbox.control("POST", "host", {"spreads_payments": False})
    card, first = desk.saved_card(), desk.invoice()
    desk.pay(card, desk.balance(), **RUN)
    assert len(sandbox.unpaid_invoices(1)) == 3, "the host leaves them open"
    with pytest.raises(AmountChanged):
        desk.pay(card, first)
    assert due.open_debts(desk.core, 1, "USD")[0].document == "proforma", "which is no part of the balance"
    assert due.find_debt(desk.core, "invoice", currency="USD", document_id=first.document_id).due == Money.zero("USD")
    later = desk.bill(700)
    assert desk.pay(card, later).state == State.APPROVED, "what was billed since is another debt"


def test_a_declined_balance_frees_everything_at_once(desk, sandbox):
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051"})
    card = desk.saved_card()
    attempt = desk.pay(card, desk.balance(), **RUN)
    assert attempt.state == State.DECLINED
    assert set(keys_of(desk.core, attempt).values()) == {None}
    assert desk.pay(card, desk.invoice()).state == State.APPROVED


def test_a_balance_that_came_back_is_undone_and_owed_again(desk, sandbox, settings_of):
    settings_of(desk.core, bank_posting="on_acceptance")
    attempt = desk.pay(desk.saved_bank(), desk.balance(), **RUN)
    assert (desk.line(attempt).booking, owed(desk)) == (Booking.POSTED, 0)
    sandbox.control("POST", "returns", {"transaction_id": attempt.transaction_id, "code": "R02", "days": 0})
    desk.tick(days=3)
    assert desk.attempt(attempt.id).state == State.RETURNED
    assert (desk.line(attempt).booking, owed(desk)) == (Booking.UNDONE, 21000)
    assert len(sandbox.unpaid_invoices(1)) == 3
    assert desk.pay(desk.saved_card(), desk.invoice()).state == State.APPROVED


def test_a_balance_that_may_be_presented_again_holds_what_it_took_but_not_what_was_billed_since(desk, sandbox):
    attempt = desk.pay(desk.saved_bank(), desk.balance(), **RUN)
    sandbox.control("POST", "returns", {"transaction_id": attempt.transaction_id, "code": "R01", "days": 0})
    desk.tick(days=3)
    assert desk.attempt(attempt.id).state == State.RETURNED
    card = desk.saved_card()
    for item in (desk.invoice(), desk.balance()):
        with pytest.raises(AlreadyOpen) as refused:
            desk.pay(card, item)
        assert refused.value.door == "returned"
    assert desk.pay(card, desk.bill(700)).state == State.APPROVED
    assert due.open_debts(desk.core, 1, "USD")[0].held.who == "returned"
    desk.tick(days=11)
    assert desk.pay(card, desk.balance(), **RUN).state == State.APPROVED


def test_a_payment_the_host_refuses_on_the_account_waits_for_a_person(desk, sandbox):
    sandbox.fault(server="host", kind="http_status", status=422, json=True, times=20,
                  match={"method": "POST", "path": "finance/payments"})
    attempt = desk.pay(desk.saved_card(), desk.balance(), **RUN)
    for _ in range(5):
        desk.tick(seconds=700)
    line = desk.line(attempt)
    assert line.booking == Booking.REVIEW
    assert line.booking_reason.startswith("Splynx does not take the payment")


def test_a_host_without_an_answer_leaves_no_attempt_behind(desk, sandbox):
    card, item = desk.saved_card(), desk.balance()
    sandbox.fault(server="host", kind="drop_before", match={"path": "finance/requests"}, times=9)
    with pytest.raises(HostUnavailable):
        desk.pay(card, item, **RUN)
    assert desk.attempts() == []
    sandbox.clear_faults()
    sandbox.fault(server="host", kind="http_status", status=404, json=True, match={"path": "customer-billing"}, times=1)
    with pytest.raises(HostRejected):
        desk.pay(card, item, **RUN)
    assert [attempt.state for attempt in desk.attempts()] == [State.ABANDONED]


def test_a_card_fee_is_no_part_of_what_is_owed_and_a_charge_of_balances_takes_none(desk, sandbox, settings_of):
    settings_of(desk.core, card_fee_percent="3", card_fee_category="1")
    card, item = desk.saved_card(), desk.invoice()
    fee = fees.CardFee.of(desk.core.settings, "USD").on(item.amount).amount
    desk.pay(card, item, card_fee=fee)
    assert (fee.cents, owed(desk)) == (45, 19500)
    whole = desk.pay(card, desk.balance(), **RUN)
    assert (whole.state, whole.amount_cents, whole.fee_cents, owed(desk)) == (State.APPROVED, 19500, 0, 0)


def test_a_balance_is_charged_alone(desk):
    with pytest.raises(ValueError, match="charged alone"):
        desk.order(charge.SavedMethod(1), desk.balance(), desk.invoice())


OTHERS = {
    "portal": lambda desk, item: desk.order(charge.SavedMethod(desk.card_id), item),
    "link": lambda desk, item: desk.order(charge.SavedMethod(desk.card_id), item, door=Door.LINK, actor="link"),
    "staff": lambda desk, item: desk.order(charge.SavedMethod(desk.card_id), item, door=Door.STAFF, actor="staff 1"),
    "invoice run": lambda desk, item: desk.order(charge.SavedMethod(desk.card_id), item, **RUN),
    "second balance run": lambda desk, _item: desk.order(charge.SavedMethod(desk.card_id), desk.balance(), **RUN),
    "top-up": lambda desk, _item: desk.order(charge.SavedMethod(desk.card_id), desk.topup(1000)),
}


@pytest.mark.parametrize(("other", "is_new"), [
    *itertools.product(OTHERS, [False]), ("portal", True), ("invoice run", True)])
def test_a_balance_and_another_door_at_the_same_moment_never_take_more_than_was_due(desk, sandbox, other, is_new):
    """``is_new``: the invoice was made after the balance had looked which documents are open."""
    owed_before = owed(desk)
    desk.card_id = desk.saved_card().id
    whole = desk.order(charge.SavedMethod(desk.card_id), desk.balance(), **RUN)
    sandbox.fault(server="host", kind="delay", seconds=0.3, match={"path": "customer-billing"}, times=1)
    ready = threading.Barrier(2)

    def go(make):
        ready.wait(20)
        return charge.take(desk.core, make())

    first = desk.in_background(lambda: go(lambda: whole))
    item = desk.bill(700) if is_new else desk.invoice()
    second = desk.in_background(lambda: go(lambda: OTHERS[other](desk, item)))
    outcomes = [first(), second()]
    taken = [outcome for outcome in outcomes if not isinstance(outcome, Exception)]
    assert all(isinstance(outcome, AddOnError) for outcome in outcomes if isinstance(outcome, Exception)), outcomes
    sales = sum(row["amount_cents"] for row in sandbox.sales())
    assert sales == sum(attempt.amount_cents for attempt in taken)
    assert sales <= owed_before + (700 if is_new else 0) + (1000 if other == "top-up" else 0)
    for attempt in taken:
        assert desk.line(attempt).booking == Booking.POSTED


def committed(desk, order):
    """An intent as it stands between its commit and its first look at the host."""
    terminal = intent.validate(desk.core, order)
    attempt, is_new = intent.commit(desk.core, order, terminal, intent.prepare(desk.core, order, terminal))
    assert is_new
    return attempt


@pytest.mark.parametrize("first", ["balance", "invoice"])
def test_whoever_commits_last_sees_the_other_though_they_share_no_key(desk, first):
    """An invoice that is made after the balance has looked which documents are open has a key that it does not hold."""
    method = charge.SavedMethod(desk.saved_card().id)
    whole = balance.with_keys(desk.core, desk.order(method, desk.balance(), **RUN))
    bill = desk.order(method, desk.bill(700))
    orders = [whole, bill] if first == "balance" else [bill, whole]
    both = [committed(desk, order) for order in orders]
    for attempt in both:
        with pytest.raises(AlreadyOpen):
            balance.refuse_beside(desk.core, attempt)
    charge.abandon(desk.core, both[0].id, reason="given up")
    balance.refuse_beside(desk.core, both[1])
    charge.abandon(desk.core, both[1].id, reason="given up")


def test_a_document_held_for_another_customer_stops_the_balance_and_not_the_program(desk, sandbox):
    """Staff moved an invoice to another customer while the first was paying it."""
    desk.pay(desk.saved_bank(), desk.invoice())
    order = desk.order(charge.SavedMethod(desk.saved_card(3).id), desk.balance(3), customer_id=3, **RUN)
    item = order.items[0]
    moved = dataclasses.replace(order, items=(dataclasses.replace(item, also=(f"invoice:{desk.invoice().document_id}",)),))
    with pytest.raises(AlreadyOpen):
        committed(desk, moved)
