"""The card fee: what it is on any amount, that nothing is taken which was not shown, and what Splynx is told of it."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splynx_ippay.base.errors import BadInput, ConfigError, FeeChanged, Stopped
from splynx_ippay.base.money import Money
from splynx_ippay.payments import booking, mark, missing, recording, recovery, states
from splynx_ippay.payments.fees import CardFee
from splynx_ippay.payments.models import Booking, Door, State

POST = {"method": "POST", "path": "admin/finance/transactions"}
POST_PAYMENT = {"method": "POST", "path": "admin/finance/payments"}
ON = {"card_fee_percent": "3"}


def usd(cents):
    return Money(cents, "USD")


def rule(percent="0", fixed=0, maximum=0, tax="0"):
    return CardFee(Decimal(percent), usd(fixed), usd(maximum), Decimal(tax), "")


def debits(sandbox, *, deleted="0"):
    """What was charged to customers under a reference of ours: (comment, cents)."""
    return [(row["comment"], Money.from_host(row["total"], "USD").cents) for row in sandbox.ledger()["host"]["transactions"]
            if "-" in str(row["comment"]) and row["type"] == "debit" and str(row["deleted"]) == deleted]


def balance(desk, customer_id=1):
    return Money.from_host(desk.core.host.customer_billing(customer_id).deposit, "USD").cents


def posts(sandbox, path="transactions"):
    return sandbox.counters()["host"].get(f"POST admin/finance/{path}", 0)


@pytest.fixture
def fee_desk(desk, sandbox, settings_of):
    """A desk whose portal asks cards for three percent, at a gateway that takes every amount."""
    settings_of(desk.core, **ON)
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    return desk


def pay(desk, cents=30_00, fee=90, **changes):
    """A top-up by saved card whose payer was shown the fee."""
    return desk.pay(desk.saved_card(), desk.topup(cents), card_fee=usd(fee), **changes)


# The rule.

@pytest.mark.parametrize(("the_rule", "cents", "fee", "tax"), [
    (rule("3"), 30_00, 90, 0), (rule("2.75"), 10_00, 28, 0),  # 27.5 cents: half up
    (rule("2.25"), 10_00, 23, 0), (rule("3"), 16, None, 0), (rule("3"), 17, 1, 0),
    (rule(fixed=50), 10_00, 50, 0), (rule("3", 50), 10_00, 80, 0), (rule("3", 0, 5_00), 1000_00, 5_00, 0),
    (rule("3", 50, 60), 10_00, 60, 0), (rule("3", tax="10"), 30_00, 99, 9), (rule("3", maximum=5_00, tax="7.5"), 500_00, 5_38, 38),
    (rule(), 30_00, None, 0), (rule("3", 50), 0, None, 0)])
def test_the_fee_is_percent_and_fixed_part_up_to_the_largest_then_its_tax(the_rule, cents, fee, tax):
    found = the_rule.on(usd(cents))
    assert (found.amount.cents if found else None, found.tax.cents if found else 0) == (fee, tax)


@given(cents=st.integers(1, 10**9), percent=st.decimals(0, 3, places=2), fixed=st.integers(0, 10_00),
       maximum=st.integers(0, 100_00), tax=st.decimals(0, 100, places=2))
def test_every_fee_is_whole_cents_rounded_half_up_and_never_beyond_the_cap(cents, percent, fixed, maximum, tax):
    fee = CardFee(percent, usd(fixed), usd(maximum), tax, "").on(usd(cents))
    exact = cents * percent / 100
    net = int(exact.quantize(Decimal(1), ROUND_HALF_UP)) + fixed
    net = min(net, maximum) if maximum else net
    if fee is None:
        assert net == 0
        return
    assert fee.amount.cents - fee.tax.cents == net > 0
    assert abs(fee.tax.cents - net * tax / 100) <= Decimal("0.5")
    assert Decimal(fee.terms()["tax_percent"]) == tax


@pytest.mark.parametrize(("key", "value"), [
    ("card_fee_percent", "3.01"), ("card_fee_percent", "three"), ("card_fee_percent", "-1"), ("card_fee_percent", "NaN"),
    ("card_fee_tax_percent", "101"), ("card_fee_fixed", "much"), ("card_fee_maximum", "-1")])
def test_a_fee_that_cannot_be_meant_is_refused_rather_than_charged(desk, sandbox, settings_of, key, value):
    settings_of(desk.core, **ON | {key: value})
    with pytest.raises(ConfigError, match=r"[Cc]ard fee"):
        pay(desk)
    assert sandbox.sales() == []


# Taking it.

def test_a_card_pays_the_fee_that_was_shown_and_the_gateway_is_told(fee_desk, sandbox):
    before = balance(fee_desk)
    attempt = pay(fee_desk)
    assert (attempt.state, attempt.amount, attempt.fee) == (State.APPROVED, usd(30_90), usd(90))
    assert [(line.document, line.amount_cents, line.booking) for line in attempt.lines] == [
        ("topup", 30_00, Booking.POSTED), ("fee", 90, Booking.POSTED)]
    (sale,) = sandbox.sales()
    assert sale["amount_cents"] == 30_90
    assert "<TotalAmount>3090</TotalAmount><FeeAmount>90</FeeAmount>" in sandbox.capture()[-1]
    assert debits(sandbox) == [(f"{attempt.transaction_id}-2", 90)]
    assert [row["amount"] for row in fee_desk.payments_of(attempt)] == [30, 0.9]
    assert balance(fee_desk) == before + 30_00  # the fee and its payment cancel each other out
    assert fee_desk.records(attempt) == ["processed", "processed"]


def test_a_fee_pays_no_debt_so_others_may_pay_at_the_same_time(fee_desk, sandbox):
    attempt = pay(fee_desk)
    assert [len(line.keys) for line in attempt.lines] == [1, 0]
    with pytest.raises(FeeChanged):
        fee_desk.pay(fee_desk.saved_card(), fee_desk.invoice())
    assert len(sandbox.sales()) == 1


def test_several_documents_have_one_fee_on_their_sum(fee_desk, sandbox):
    items = fee_desk.invoice(), fee_desk.invoice(position=1), fee_desk.topup(12_34)
    total = sum(item.amount.cents for item in items)
    fee = CardFee.of(fee_desk.core.settings, "USD").on(usd(total)).amount
    before = balance(fee_desk)
    attempt = fee_desk.pay(fee_desk.saved_card(), *items, card_fee=fee)
    assert [line.position for line in attempt.lines] == [1, 2, 3, 4]
    assert attempt.amount_cents == total + fee.cents == sandbox.sales()[0]["amount_cents"]
    assert [line.document for line in attempt.debts] == ["invoice", "invoice", "topup"]
    assert attempt.fee_line.amount == fee
    assert balance(fee_desk) == before + total


def test_a_bank_debit_never_carries_a_fee(fee_desk, sandbox, settings_of):
    settings_of(fee_desk.core, bank_posting="on_acceptance")
    saved = fee_desk.pay(fee_desk.saved_bank(), fee_desk.topup(30_00), card_fee=usd(90))
    new = fee_desk.take(fee_desk.new_bank(), fee_desk.topup(31_00))
    assert [(attempt.amount_cents, attempt.fee_cents, len(attempt.lines)) for attempt in (saved, new)] == [(30_00, 0, 1), (31_00, 0, 1)]
    assert saved.fee_line is None
    assert not any("FeeAmount" in body for body in sandbox.capture())
    assert debits(sandbox) == []


@pytest.mark.parametrize("door", [Door.STAFF, Door.RUN])
def test_where_nobody_showed_the_payer_a_total_there_is_no_fee(fee_desk, sandbox, door):
    assert fee_desk.pay(fee_desk.saved_card(), fee_desk.topup(30_00), door=door).amount_cents == 30_00
    with pytest.raises(FeeChanged):
        pay(fee_desk, door=door)
    assert [row["amount_cents"] for row in sandbox.sales()] == [30_00]


@pytest.mark.parametrize("shown", [0, 89, 91])
def test_a_fee_that_is_not_what_was_shown_takes_nothing_not_even_a_token(fee_desk, sandbox, shown):
    sandbox.reset_counters()
    with pytest.raises(FeeChanged) as changed:
        fee_desk.take(fee_desk.new_card(), fee_desk.topup(30_00), card_fee=usd(shown))
    assert (changed.value.amount, changed.value.total) == (usd(30_00), usd(30_90))
    assert sandbox.counters()["gateway"] == {}
    assert fee_desk.attempts() == []


def test_a_fee_switched_off_meanwhile_is_not_taken(fee_desk, sandbox, settings_of):
    settings_of(fee_desk.core, card_fee_percent="0")
    with pytest.raises(FeeChanged):
        pay(fee_desk)
    assert (sandbox.sales(), debits(sandbox)) == ([], [])


def test_the_largest_payment_counts_the_fee_and_the_smallest_does_not(fee_desk, settings_of):
    settings_of(fee_desk.core, maximum_amount="30.50", minimum_amount="20.00")
    with pytest.raises(BadInput, match="largest"):
        pay(fee_desk)
    with pytest.raises(BadInput, match="smallest"):
        pay(fee_desk, 19_50, 59)
    assert pay(fee_desk, 29_00, 87).amount_cents == 29_87


def test_the_tax_of_the_fee_is_in_it_and_splynx_gets_its_percentage(fee_desk, sandbox, settings_of):
    settings_of(fee_desk.core, card_fee_tax_percent="8.25", card_fee_name="Surcharge", card_fee_category="1")
    attempt = pay(fee_desk, fee=97)
    row = next(row for row in sandbox.ledger()["host"]["transactions"] if row["comment"] == attempt.fee_line.field_1)
    assert (row["price"], row["tax_percent"], row["total"]) == ("0.9000", "8.2500", "0.9700")
    assert (row["description"], row["category"], row["to_invoice"]) == ("Surcharge", 1, "0")


# What Splynx is told, when something goes wrong.

def test_a_lost_answer_about_the_fee_is_searched_for_and_never_charged_twice(fee_desk, sandbox):
    before = balance(fee_desk)
    sandbox.fault(server="host", kind="drop_after", match=POST)
    attempt = pay(fee_desk)
    assert attempt.fee_line.booking == Booking.POSTING
    assert attempt.fee_line.splynx_transaction_id is None
    fee_desk.tick(seconds=61)
    assert fee_desk.line(attempt, 2).booking == Booking.POSTED
    assert posts(sandbox) == 1
    assert balance(fee_desk) == before + 30_00


def test_two_spaced_empty_searches_come_before_the_fee_is_charged_again(fee_desk, sandbox):
    sandbox.fault(server="host", kind="drop_before", match=POST)
    attempt = pay(fee_desk)
    fee_desk.tick(seconds=61)
    assert (posts(sandbox), fee_desk.line(attempt, 2).empty_searches) == (1, 1)
    fee_desk.tick(seconds=300)
    assert posts(sandbox) == 2
    assert fee_desk.line(attempt, 2).booking == Booking.POSTED
    assert debits(sandbox) == [(f"{attempt.transaction_id}-2", 90)]


def test_a_host_that_does_not_answer_the_search_was_told_nothing(fee_desk, sandbox):
    sandbox.fault(server="host", kind="drop_before", match={"path": "admin/finance/transactions", "method": "GET"}, times=3)
    attempt = pay(fee_desk)
    assert attempt.fee_line.post_started_at is None
    fee_desk.tick(seconds=61)
    assert fee_desk.line(attempt, 2).booking == Booking.POSTED


def test_a_host_that_goes_away_between_the_fee_and_its_payment_gets_the_payment_later(fee_desk, sandbox):
    before = balance(fee_desk)
    sandbox.fault(server="host", kind="drop_before", match=POST_PAYMENT, times=2)  # of the debt, and of its fee
    attempt = pay(fee_desk)
    assert attempt.fee_line.splynx_transaction_id is not None
    assert attempt.fee_line.booking == Booking.POSTING
    assert balance(fee_desk) == before - 90
    fee_desk.tick(seconds=61)
    fee_desk.tick(seconds=300)
    assert [line.booking for line in fee_desk.attempt(attempt.id).lines] == [Booking.POSTED, Booking.POSTED]
    assert (posts(sandbox), len(fee_desk.payments_of(attempt))) == (1, 2)
    assert balance(fee_desk) == before + 30_00


@pytest.mark.parametrize(("change", "words"), [
    ("delete", "was deleted in Splynx"), ("twice", "2 transactions for one card fee"), ("amount", "Splynx shows a debit of 0.50"),
    ("credit", "Splynx shows a credit of 0.90")])
def test_a_debit_of_the_fee_that_is_not_as_it_should_be_goes_to_a_person(fee_desk, sandbox, change, words):
    sandbox.fault(server="host", kind="drop_before", match=POST)
    attempt = pay(fee_desk)
    body = {"customer_id": 1, "type": "credit" if change == "credit" else "debit", "category": 5,
            "total": "0.50" if change == "amount" else "0.90", "comment": f"{attempt.transaction_id}-2", "date": "2099-01-01"}
    for _ in range(2 if change == "twice" else 1):
        made = fee_desk.host_elsewhere("post", "admin/finance/transactions", body)
    if change == "delete":
        fee_desk.host_elsewhere("delete", f"admin/finance/transactions/{made['id']}")
    fee_desk.tick(seconds=61)
    line = fee_desk.line(attempt, 2)
    assert line.booking == Booking.REVIEW
    assert words in line.booking_reason


def test_a_category_that_is_gone_waits_and_then_needs_a_person(fee_desk, sandbox, settings_of):
    settings_of(fee_desk.core, card_fee_category="99")
    attempt = pay(fee_desk)
    assert "does not take the card fee" in attempt.fee_line.booking_reason
    assert attempt.debts[0].booking == Booking.POSTED
    settings_of(fee_desk.core, card_fee_category="0")
    fee_desk.tick(seconds=660)
    assert "choose the transaction category" in fee_desk.line(attempt, 2).booking_reason
    settings_of(fee_desk.core, card_fee_category="99")
    for _ in range(6):
        fee_desk.tick(seconds=660)
    assert fee_desk.line(attempt, 2).booking == Booking.REVIEW


def test_a_fee_that_was_refused_for_a_while_is_charged_in_the_end(fee_desk, sandbox, settings_of):
    settings_of(fee_desk.core, card_fee_category="99")
    attempt = pay(fee_desk)
    settings_of(fee_desk.core, card_fee_category="5", card_fee_percent="1", card_fee_tax_percent="20")
    fee_desk.tick(seconds=660)
    assert fee_desk.line(attempt, 2).booking == Booking.POSTED
    assert debits(sandbox) == [(f"{attempt.transaction_id}-2", 90)]  # as agreed, not as the settings are now


# Taking it back.

def void(desk, attempt):
    """The sale is taken back at the gateway, and we know."""
    if attempt.transaction_id in {row["transaction_id"] for row in desk.sandbox.sales() if row["state"] == "booked"}:
        desk.sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    desk.core.database.run(lambda session: states.move(session, states.get_attempt(session, attempt.id), State.VOIDED, reason="void"))


@pytest.fixture
def voided(fee_desk):
    """A posted payment with a fee that was voided; the gateway's own void is not what these tests are about."""
    before = balance(fee_desk)
    attempt = pay(fee_desk)
    void(fee_desk, attempt)
    return attempt, before


def test_a_void_takes_back_the_payments_and_the_fee(fee_desk, sandbox, voided):
    attempt, before = voided
    fee_desk.tick()
    assert [line.booking for line in fee_desk.attempt(attempt.id).lines] == [Booking.UNDONE, Booking.UNDONE]
    assert (debits(sandbox), fee_desk.payments_of(attempt)) == ([], [])
    assert balance(fee_desk) == before
    line = fee_desk.line(attempt, 2)
    assert line.host_row["card_fee"]["comment"] == line.field_1
    assert line.host_row["amount"]
    assert f"transaction {line.splynx_transaction_id}" in line.booking_reason


def test_a_lost_answer_to_the_deletion_of_a_fee_deletes_nothing_else(fee_desk, sandbox, voided):
    attempt, before = voided
    sandbox.fault(server="host", kind="drop_after", match={"method": "DELETE", "path": "admin/finance/transactions"})
    fee_desk.tick()
    assert fee_desk.line(attempt, 2).booking == Booking.UNDOING
    fee_desk.tick(seconds=61)
    assert fee_desk.line(attempt, 2).booking == Booking.UNDONE
    assert balance(fee_desk) == before


def test_a_fee_staff_deleted_themselves_is_undone_and_one_they_renamed_is_found_by_its_id(fee_desk, sandbox, voided):
    attempt, before = voided
    line = fee_desk.line(attempt, 2)
    fee_desk.host_elsewhere("put", f"admin/finance/transactions/{line.splynx_transaction_id}", {"comment": "mended"})
    fee_desk.tick()
    assert fee_desk.line(attempt, 2).booking == Booking.UNDONE
    assert balance(fee_desk) == before


def test_an_invoiced_fee_is_a_task_for_staff_that_ends_by_itself(fee_desk, sandbox, voided):
    attempt, before = voided
    path = f"admin/finance/transactions/{fee_desk.line(attempt, 2).splynx_transaction_id}"
    fee_desk.host_elsewhere("put", path, {"invoiced_by_id": 7})
    fee_desk.tick()
    line = fee_desk.line(attempt, 2)
    assert line.booking == Booking.UNDOING
    assert "stands on invoice 7 in Splynx" in line.booking_reason
    fee_desk.host_elsewhere("put", path, {"invoiced_by_id": None})
    fee_desk.host_elsewhere("delete", path)
    fee_desk.tick(seconds=660)
    assert fee_desk.line(attempt, 2).booking == Booking.UNDONE
    assert balance(fee_desk) == before


@pytest.mark.parametrize(("status", "ends"), [(404, Booking.UNDONE), (422, Booking.UNDOING)])
def test_a_refusal_to_delete_the_fee_is_a_task_unless_it_is_gone(fee_desk, sandbox, voided, status, ends):
    attempt, _ = voided
    sandbox.fault(server="host", kind="http_status", status=status, json=True, match={"method": "DELETE", "path": "admin/finance/transactions"})
    fee_desk.tick()
    line = fee_desk.line(attempt, 2)
    assert line.booking == ends
    fee_desk.tick(seconds=660)
    if status == 422:
        assert "delete it by hand" in line.booking_reason
        assert fee_desk.line(attempt, 2).booking == Booking.UNDONE
    else:  # the host said "gone" and it was not: clean up what the fault left
        fee_desk.host_elsewhere("delete", f"admin/finance/transactions/{line.splynx_transaction_id}")


def test_an_old_fee_is_not_deleted_but_a_task(fee_desk, sandbox, settings_of):
    attempt = pay(fee_desk)
    sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    sandbox.jump(days=40)
    for payment in fee_desk.payments_of(attempt):
        fee_desk.host_elsewhere("delete", f"admin/finance/payments/{payment['id']}")
    void(fee_desk, attempt)
    fee_desk.tick()
    assert "too old for us to delete" in fee_desk.line(attempt, 2).booking_reason
    fee_desk.host_elsewhere("delete", f"admin/finance/transactions/{fee_desk.line(attempt, 2).splynx_transaction_id}")
    fee_desk.tick(seconds=660)
    assert fee_desk.line(attempt, 2).booking == Booking.UNDONE


def test_several_debits_or_one_of_somebody_else_are_not_deleted(fee_desk, sandbox):
    attempts = [pay(fee_desk), pay(fee_desk)]
    first, second = (attempt.fee_line for attempt in attempts)
    fee_desk.host_elsewhere("post", "admin/finance/transactions", {
        "customer_id": 1, "type": "debit", "category": 5, "total": "0.90", "comment": first.field_1, "date": "2099-01-01"})
    fee_desk.host_elsewhere("put", f"admin/finance/transactions/{second.splynx_transaction_id}", {"customer_id": 2})
    for attempt in attempts:
        void(fee_desk, attempt)
    fee_desk.tick()
    assert "2 transactions" in fee_desk.line(attempts[0], 2).booking_reason
    assert "another customer" in fee_desk.line(attempts[1], 2).booking_reason


def test_a_void_that_comes_before_the_fee_was_charged_leaves_nothing_behind(fee_desk, sandbox):
    before = balance(fee_desk)
    sandbox.fault(server="host", kind="drop_after", match=POST)
    attempt = pay(fee_desk)
    void(fee_desk, attempt)
    fee_desk.tick(seconds=61)  # a first search; the POST may still be on its way
    fee_desk.tick(seconds=660)
    assert fee_desk.line(attempt, 2).booking == Booking.UNDONE
    assert (debits(sandbox), balance(fee_desk)) == ([], before)


def test_a_lost_sale_with_its_fee_is_found_by_the_report_and_booked_whole(fee_desk, sandbox):
    before = balance(fee_desk)
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=1)
    attempt = pay(fee_desk)
    assert attempt.state == State.UNKNOWN
    fee_desk.tick(seconds=10)
    fee_desk.tick(seconds=60)
    assert fee_desk.attempt(attempt.id).state == State.APPROVED
    fee_desk.tick(seconds=60)
    assert [line.booking for line in fee_desk.attempt(attempt.id).lines] == [Booking.POSTED, Booking.POSTED]
    assert balance(fee_desk) == before + 30_00


def test_another_worker_that_has_the_fee_leaves_it_alone(fee_desk, sandbox):
    sandbox.fault(server="host", kind="drop_before", match=POST)
    attempt = pay(fee_desk)
    line = fee_desk.line(attempt, 2)
    sandbox.jump(seconds=61)
    joins = [fee_desk.in_background(lambda: booking.settle_line(fee_desk.core, line.id)) for _ in range(4)]
    assert [join() for join in joins] == [None] * 4
    fee_desk.tick(seconds=300)
    assert fee_desk.line(attempt, 2).booking == Booking.POSTED
    assert len(debits(sandbox)) == 1
    assert recording.reload(fee_desk.core, attempt.id).fee == usd(90)


# What watches over it.

def test_a_fee_deleted_in_splynx_goes_to_a_person(fee_desk, sandbox):
    attempts = [pay(fee_desk), pay(fee_desk)]
    assert missing.tick(fee_desk.core) == 0
    gone = attempts[0].fee_line
    fee_desk.host_elsewhere("delete", f"admin/finance/transactions/{gone.splynx_transaction_id}")
    assert missing.tick(fee_desk.core) == 1
    assert fee_desk.line(attempts[0], 2).booking == Booking.REVIEW
    assert f"transaction {gone.splynx_transaction_id}, a card fee, was deleted" in fee_desk.line(attempts[0], 2).booking_reason
    assert fee_desk.line(attempts[1], 2).booking == Booking.POSTED
    assert missing.tick(fee_desk.core) == 0


def test_a_restored_backup_finds_fees_again_and_knows_them_from_money_added(fee_desk, sandbox):
    fee_desk.excused.add("lost")
    card, invoice = fee_desk.saved_card(), fee_desk.invoice()
    fee = CardFee.of(fee_desk.core.settings, "USD").on(invoice.amount).amount
    mark.guard(fee_desk.core)
    copy = fee_desk.backup()
    gone = fee_desk.pay(card, invoice, card_fee=fee)
    cart = fee_desk.pay(card, fee_desk.invoice(), fee_desk.topup(10_00), card_fee=CardFee.of(fee_desk.core.settings, "USD").on(
        fee_desk.invoice().amount + usd(10_00)).amount)
    fee_desk.restore(copy)
    with pytest.raises(Stopped):
        mark.guard(fee_desk.core)
    assert len(recovery.recover(fee_desk.core).whole) == 2
    found = {attempt.transaction_id: attempt for attempt in fee_desk.attempts()}
    again = found[gone.transaction_id]
    assert (again.state, again.fee, again.amount) == (State.APPROVED, fee, invoice.amount + fee)
    assert [(line.document, line.booking, len(line.keys)) for line in again.lines] == [
        ("invoice", Booking.POSTED, 1), ("fee", Booking.POSTED, 0)]
    assert again.fee_line.splynx_transaction_id == gone.fee_line.splynx_transaction_id
    assert [line.document for line in found[cart.transaction_id].lines] == ["invoice", "topup", "fee"]


def test_a_lost_sale_splynx_knows_nothing_of_waits_with_its_fee_apart(fee_desk, sandbox):
    fee_desk.excused.add("lost")
    card, invoice = fee_desk.saved_card(), fee_desk.invoice()
    fee = CardFee.of(fee_desk.core.settings, "USD").on(invoice.amount).amount
    mark.guard(fee_desk.core)
    copy = fee_desk.backup()
    for match in (POST, POST_PAYMENT):
        sandbox.fault(server="host", kind="http_status", status=500, match=match)
    gone = fee_desk.pay(card, invoice, card_fee=fee)
    sandbox.clear_faults()
    fee_desk.restore(copy)
    recovery.recover(fee_desk.core)
    [again] = [attempt for attempt in fee_desk.attempts() if attempt.transaction_id == gone.transaction_id]
    assert (again.state, again.fee) == (State.REVIEW, fee)
    assert [(line.document, line.amount_cents) for line in again.lines] == [("invoice", invoice.amount.cents), ("fee", fee.cents)]


def test_a_fee_whose_debt_splynx_has_lost_is_no_whole_attempt(fee_desk, sandbox, settings_of):
    fee_desk.excused.add("lost")
    card, invoice = fee_desk.saved_card(), fee_desk.invoice()
    fee = CardFee.of(fee_desk.core.settings, "USD").on(invoice.amount).amount
    settings_of(fee_desk.core, reporting_merchant_id="")
    mark.guard(fee_desk.core)
    copy = fee_desk.backup()
    gone = fee_desk.pay(card, invoice, card_fee=fee)
    fee_desk.host_elsewhere("delete", f"admin/finance/payments/{gone.lines[0].splynx_payment_id}")
    fee_desk.restore(copy)
    recovery.recover(fee_desk.core)
    [again] = [attempt for attempt in fee_desk.attempts() if attempt.transaction_id == gone.transaction_id]
    assert (again.state, again.amount, again.fee_cents) == (State.REVIEW, fee, 0)
