"""Where fee, balance, decision and recovery meet each other: each is sound by itself, and so must be the seams."""


import pytest
from sqlalchemy import select

from splynx_ippay.app import create_app
from splynx_ippay.base.errors import AddOnError, AmountChanged, BadInput
from splynx_ippay.base.money import Money
from splynx_ippay.checkout import endings
from splynx_ippay.notifications import OutboxMail
from splynx_ippay.payments import decisions, due, recovery, states
from splynx_ippay.payments.fees import CardFee
from splynx_ippay.payments.models import Booking, DebtKey, Door, State
from splynx_ippay.payments.proposals import Person

RUN = {"door": Door.RUN, "origin": "RECURRING", "actor": "run 1"}
ANNA = Person(1, "staff 1 (anna)", "administrator")
POST_PAYMENT = {"method": "POST", "path": "admin/finance/payments"}


def owed(desk, customer_id=1):
    return -Money.from_host(desk.core.host.customer_billing(customer_id).deposit, "USD").cents


def held(desk):
    with desk.core.database.read() as session:
        return set(session.scalars(select(DebtKey.open_target).where(DebtKey.open_target.is_not(None))))


def found_again(desk, gone):
    return next(attempt for attempt in desk.attempts() if attempt.transaction_id == gone.transaction_id)


def test_a_returned_balance_of_which_one_debt_is_being_paid_lets_the_others_go_when_the_bank_may_ask_no_more(
        desk, sandbox, settings_of):
    settings_of(desk.core, bank_posting="on_acceptance")
    sandbox.control("POST", "host", {"spreads_payments": False})
    whole = desk.pay(desk.saved_bank(), desk.balance(), **RUN)
    assert (desk.line(whole).booking, held(desk)) == (Booking.POSTED, set())
    settings_of(desk.core, bank_posting="on_settlement")
    other = desk.pay(desk.saved_bank(account="0009998888"), desk.proforma())
    sandbox.control("POST", "returns", {"transaction_id": whole.transaction_id, "code": "R01", "days": 0})
    desk.tick(days=3)
    assert desk.attempt(whole.id).state == State.RETURNED
    assert "customer:1" in held(desk), "what may be presented again is held as far as it is free"
    assert desk.line(whole).hold_until is not None
    desk.tick(days=80)
    assert desk.attempt(other.id).state == State.APPROVED
    assert held(desk) == set()
    assert desk.pay(desk.saved_card(), desk.invoice()).state == State.APPROVED


def test_the_fee_of_a_payment_that_was_taken_back_is_no_debt_to_a_charge_of_the_balance(desk, sandbox, settings_of):
    """Splynx shows the fee as owed until staff have taken it off their invoice."""
    settings_of(desk.core, card_fee_percent="3")
    sandbox.control("POST", "gateway", {"penny_triggers": False})
    card, before = desk.saved_card(), owed(desk)
    attempt = desk.pay(card, desk.topup(30_00), card_fee=Money(90, "USD"))
    path = f"admin/finance/transactions/{attempt.fee_line.splynx_transaction_id}"
    desk.host_elsewhere("put", path, {"invoiced_by_id": 7})
    sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    desk.core.database.run(lambda session: states.move(session, states.get_attempt(session, attempt.id), State.VOIDED, reason="void"))
    desk.tick()
    assert (desk.line(attempt, 2).booking, owed(desk)) == (Booking.UNDOING, before + 90)
    with pytest.raises(AmountChanged) as changed:
        desk.pay(card, desk.balance(), **RUN)
    assert changed.value.due == Money(before, "USD")
    desk.host_elsewhere("put", path, {"invoiced_by_id": None})
    desk.host_elsewhere("delete", path)
    desk.tick(seconds=660)
    assert desk.pay(card, desk.balance(), **RUN).amount_cents == before


@pytest.mark.parametrize(("is_booked", "has_reports"), [(True, True), (False, True), (True, False)])
def test_invoices_a_lost_balance_took_are_not_taken_again_after_the_recovery(desk, sandbox, lost, settings_of, is_booked, has_reports):
    if not has_reports:
        settings_of(desk.core, reporting_merchant_id="")
    sandbox.control("POST", "host", {"spreads_payments": False})
    card, invoice = desk.saved_card(), desk.invoice()

    def charge_all():
        if not is_booked:
            sandbox.fault(server="host", kind="http_status", status=500, match=POST_PAYMENT)
        gone = desk.pay(card, desk.balance(), **RUN)
        sandbox.clear_faults()
        return gone

    gone = lost(charge_all)
    recovery.recover(desk.core)
    recovery.release(desk.core, by="anna")
    again = found_again(desk, gone)
    assert [line.document for line in again.lines] == ["balance"]
    if not (is_booked and has_reports):
        decisions.decide(desk.core, ANNA, again.id, desk.wish(again, State.APPROVED))
    assert (desk.attempt(again.id).state, desk.line(again).booking) == (State.APPROVED, Booking.POSTED)
    assert len(sandbox.unpaid_invoices(1)) == 3, "the host leaves them open"
    with pytest.raises(AddOnError):
        desk.pay(card, invoice)
    assert due.find_debt(desk.core, "invoice", currency="USD", document_id=invoice.document_id).due == Money.zero("USD")
    assert desk.pay(card, desk.bill(700)).state == State.APPROVED, "what was billed since is another debt"


def test_a_lost_payment_of_which_splynx_lacks_only_the_fee_gets_its_fee_back(desk, sandbox, lost, settings_of):
    settings_of(desk.core, card_fee_percent="3")
    card, invoice = desk.saved_card(), desk.invoice()
    fee = CardFee.of(desk.core.settings, "USD").on(invoice.amount).amount

    def without_its_fee():
        sandbox.fault(server="host", kind="http_status", status=500, match={"method": "POST", "path": "admin/finance/transactions"})
        gone = desk.pay(card, invoice, card_fee=fee)
        sandbox.clear_faults()
        return gone

    gone, before = lost(without_its_fee), owed(desk)
    recovery.recover(desk.core)
    recovery.release(desk.core, by="anna")
    again = found_again(desk, gone)
    assert (again.state, again.fee, [line.document for line in again.lines]) == (State.REVIEW, fee, ["invoice", "fee"])
    decisions.decide(desk.core, ANNA, again.id, desk.wish(again, State.APPROVED))
    assert [line.booking for line in desk.attempt(again.id).lines] == [Booking.POSTED, Booking.POSTED]
    assert owed(desk) == before


def test_a_lost_payment_of_which_splynx_has_only_the_fee_holds_its_invoice_again(desk, sandbox, lost, settings_of):
    settings_of(desk.core, card_fee_percent="3")
    card, invoice = desk.saved_card(), desk.invoice()
    fee = CardFee.of(desk.core.settings, "USD").on(invoice.amount).amount

    def with_its_fee_alone():
        sandbox.fault(server="host", kind="http_status", status=500, match=POST_PAYMENT, times=1)
        gone = desk.pay(card, invoice, card_fee=fee)
        assert [line.booking for line in gone.lines] == [Booking.POSTING, Booking.POSTED]
        return gone

    gone, before = lost(with_its_fee_alone), owed(desk)
    recovery.recover(desk.core)
    recovery.release(desk.core, by="anna")
    again = found_again(desk, gone)
    assert (again.state, again.fee, again.amount) == (State.REVIEW, fee, gone.amount)
    assert [(line.document, line.amount_cents, line.booking) for line in again.lines] == [
        ("invoice", invoice.amount.cents, Booking.NONE), ("fee", fee.cents, Booking.POSTED)]
    assert held(desk) == {f"invoice:{invoice.document_id}"}
    decisions.decide(desk.core, ANNA, again.id, desk.wish(again, State.APPROVED))
    assert [line.booking for line in desk.attempt(again.id).lines] == [Booking.POSTED, Booking.POSTED]
    assert owed(desk) == before - invoice.amount.cents


def test_the_page_of_a_payment_of_which_only_the_fee_is_known_opens(desk, lost, settings_of, core):
    settings_of(desk.core, card_fee_percent="3", reporting_merchant_id="")
    card, invoice = desk.saved_card(), desk.invoice()
    fee = CardFee.of(desk.core.settings, "USD").on(invoice.amount).amount

    def debt_deleted():
        gone = desk.pay(card, invoice, card_fee=fee)
        desk.host_elsewhere("delete", f"admin/finance/payments/{gone.lines[0].splynx_payment_id}")
        return gone

    gone = lost(debt_deleted)
    recovery.recover(desk.core)
    again = found_again(desk, gone)
    assert [line.document for line in again.lines] == ["fee"]
    with create_app(core).test_request_context():
        assert endings.page_of(again, None).kind == "review"


def test_a_release_of_a_sound_database_loses_no_mail(desk, settings_of):
    desk.pay(desk.saved_card(), desk.topup(50_00))
    with pytest.raises(BadInput):
        recovery.release(desk.core, by="anna")
    with desk.core.database.read() as session:
        assert [mail.state for mail in session.scalars(select(OutboxMail))] == ["due"]
