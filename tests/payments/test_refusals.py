"""What may not become a payment: the words, the field, and that nothing was sent."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from splynx_ippay import credentials
from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.base.errors import AlreadyOpen, AmountChanged, BadInput, ConfigError, Stopped
from splynx_ippay.base.money import Money
from splynx_ippay.payments import charge
from splynx_ippay.payments.models import Door, State


def refused(desk, error, *arguments, **changes):
    """Take the order, expect the error, and make sure that nothing was sent."""
    before = desk.sandbox.counters()["gateway"]
    with pytest.raises(error) as caught:
        desk.take(*arguments, **changes)
    assert desk.sandbox.counters()["gateway"] == before
    return caught.value


# -- one debt, one open attempt ----------------------------------------------------------------------------------------

def test_twenty_presses_at_once_are_one_sale(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()

    def press(_):
        try:
            return desk.pay(method, item).state
        except (AlreadyOpen, AmountChanged) as error:
            return type(error).__name__

    with ThreadPoolExecutor(20) as pool:
        endings = list(pool.map(press, range(20)))
    assert endings.count(State.APPROVED) == 1
    assert set(endings) <= {State.APPROVED, "AlreadyOpen", "AmountChanged"}
    assert len(sandbox.sales()) == 1


def test_twenty_presses_of_one_form_are_one_sale_and_all_show_it(desk, sandbox):
    order = desk.order(charge.SavedMethod(desk.saved_card().id), desk.topup(2000))

    def press(_):
        try:
            return charge.take(desk.core, order).id
        except AlreadyOpen as error:  # the first one has just begun
            return error.attempt_id

    with ThreadPoolExecutor(20) as pool:
        assert len(set(pool.map(press, range(20)))) == 1
    assert len(sandbox.sales()) == 1


def test_a_second_door_is_told_which_door_is_paying(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    desk.lose_answer(method, item)
    error = refused(desk, AlreadyOpen, charge.SavedMethod(method.id), item, door=Door.STAFF, actor="staff 1")
    assert error.door == "portal"
    assert error.target == f"invoice:{item.document_id}"
    assert "portal" in str(error)
    assert error.attempt_id == desk.attempts()[0].id


def test_a_cart_that_holds_one_open_debt_is_refused_whole(desk, sandbox):
    method, first, second = desk.saved_card(), desk.invoice(), desk.invoice(position=1)
    desk.lose_answer(method, first)
    refused(desk, AlreadyOpen, charge.SavedMethod(method.id), second, first)
    assert desk.pay(method, second).state == State.APPROVED


def test_two_tabs_at_one_moment_meet_at_the_unique_key(desk, sandbox):
    """Both pass the first look, because both exchange new card details before they commit."""
    sandbox.fault(server="gateway", kind="delay", match={"type": "TOKENIZE"}, seconds=0.5, times=2)
    item = desk.invoice()
    tabs = [desk.in_background(lambda: desk.take(desk.new_card(), item)) for _ in range(2)]
    endings = sorted(type(join()).__name__ for join in tabs)
    assert endings in (["AlreadyOpen", "Attempt"], ["AmountChanged", "Attempt"])
    assert len(sandbox.sales()) == 1


# -- the order itself --------------------------------------------------------------------------------------------------

def test_an_empty_order_is_refused(desk):
    assert refused(desk, BadInput, charge.SavedMethod(desk.saved_card().id)).field == "amount"


def test_one_document_twice_is_refused(desk):
    item = desk.invoice()
    assert refused(desk, BadInput, charge.SavedMethod(desk.saved_card().id), item, item).field == "amount"


@pytest.mark.parametrize("cents", [0, -100])
def test_amounts_that_are_none_are_refused(desk, cents):
    assert "more than zero" in refused(desk, BadInput, charge.SavedMethod(desk.saved_card().id), desk.topup(cents)).message


@pytest.mark.parametrize("key", ["", " ", "x" * 65, "spáce"])
def test_a_form_without_a_key_of_its_own_is_refused(desk, key):
    method = desk.saved_card()
    error = refused(desk, BadInput, charge.SavedMethod(method.id), desk.topup(1000), submission_key=key)
    assert error.field == "submission_key"


def test_a_document_in_another_currency_than_the_terminals_is_refused(desk):
    item = replace(desk.invoice(), amount=Money(1500, "EUR"))
    error = refused(desk, BadInput, charge.SavedMethod(desk.saved_card().id), item)
    assert "EUR" in str(error)
    assert "USD" in str(error)


def test_amounts_outside_the_limits_are_refused_with_the_limit(desk, settings_of):
    method = desk.saved_card()
    settings_of(desk.core, minimum_amount="5.00", maximum_amount="50.00")
    assert "5.00 USD" in str(refused(desk, BadInput, charge.SavedMethod(method.id), desk.topup(499)))
    assert "50.00 USD" in str(refused(desk, BadInput, charge.SavedMethod(method.id), desk.topup(5001)))
    assert desk.pay(method, desk.topup(500)).state == State.APPROVED
    assert desk.pay(method, desk.topup(5000)).state == State.APPROVED


def test_an_empty_maximum_is_no_limit(desk, settings_of):
    settings_of(desk.core, maximum_amount="")
    assert desk.pay(desk.saved_card(), desk.topup(2_000_000)).state == State.APPROVED


def test_a_limit_that_is_no_amount_is_the_installers_to_mend(desk, settings_of):
    method = desk.saved_card()
    settings_of(desk.core, minimum_amount="many")
    assert "Smallest payment" in str(refused(desk, ConfigError, charge.SavedMethod(method.id), desk.topup(500)))


# -- whose document, whose method --------------------------------------------------------------------------------------

def test_another_customers_invoice_is_not_open(desk, sandbox):
    foreign = desk.invoice(2)
    error = refused(desk, AmountChanged, charge.SavedMethod(desk.saved_card().id), foreign)
    assert not error.due
    assert desk.attempts()[0].state == State.ABANDONED


def test_an_invoice_that_does_not_exist_is_not_open(desk):
    item = replace(desk.invoice(), document_id=987654)
    assert not refused(desk, AmountChanged, charge.SavedMethod(desk.saved_card().id), item).due


def test_a_deleted_invoice_is_not_open(desk, sandbox):
    item = desk.invoice()
    desk.core.host.client.delete(f"admin/finance/invoices/{item.document_id}")
    refused(desk, AmountChanged, charge.SavedMethod(desk.saved_card().id), item)


def test_another_customers_method_is_no_method(desk):
    theirs = desk.saved_card(2)
    assert refused(desk, BadInput, charge.SavedMethod(theirs.id), desk.invoice()).field == "method"


def test_a_removed_method_and_one_that_never_was_read_the_same(desk):
    method = desk.saved_card()
    desk.core.database.run(lambda session: credentials.remove(session, method.id, 1))
    gone = refused(desk, BadInput, charge.SavedMethod(method.id), desk.invoice())
    never = refused(desk, BadInput, charge.SavedMethod(4711), desk.invoice())
    assert gone.message == never.message


def test_an_expired_card_is_refused(desk, sandbox):
    method = desk.saved_card(exp_month=12, exp_year=2026)
    sandbox.jump(days=60)
    assert "expired" in refused(desk, BadInput, charge.SavedMethod(method.id), desk.invoice()).message


def test_a_method_of_another_terminal_is_refused(desk, settings_of):
    method = desk.saved_card()
    settings_of(desk.core, partner_id=2, terminal_id="NORTHTERM01")
    error = refused(desk, BadInput, charge.SavedMethod(method.id), desk.invoice(), partner_id=2)
    assert "another account" in error.message


def test_a_method_of_the_other_environment_is_refused(desk, settings_of):
    method = desk.saved_card()
    desk.core.database.run(lambda session: setattr(session.get(credentials.Method, method.id), "environment", "production"))
    refused(desk, BadInput, charge.SavedMethod(method.id), desk.invoice())


def test_a_token_no_key_opens_names_the_key_file(desk, tmp_path):
    method = desk.saved_card()
    KeyBox.create(tmp_path / "others")
    desk.core.box = KeyBox.load(tmp_path / "others")
    assert "key file" in str(refused(desk, ConfigError, charge.SavedMethod(method.id), desk.invoice()))


# -- settings that must be right first ---------------------------------------------------------------------------------

def test_a_partner_without_a_terminal_takes_no_payments(desk, settings_of):
    method = desk.saved_card()
    settings_of(desk.core, partner_id=2, terminal_id="")
    error = refused(desk, ConfigError, charge.SavedMethod(method.id), desk.invoice(), partner_id=2)
    assert "partner 2 has no Terminal ID" in str(error)


def test_a_partner_with_a_terminal_of_its_own_charges_there(desk, sandbox, settings_of):
    settings_of(desk.core, partner_id=2, terminal_id="NORTHTERM01")
    method = desk.saved_card(4, 2)
    desk.pay(method, desk.invoice(4), customer_id=4, partner_id=2)
    assert [row["terminal_id"] for row in sandbox.sales()] == ["NORTHTERM01"]


def test_production_waits_until_other_chargers_are_off(desk, settings_of):
    method = desk.saved_card()
    settings_of(desk.core, environment="production")
    assert "No other add-on" in str(refused(desk, ConfigError, charge.SavedMethod(method.id), desk.invoice()))
    settings_of(desk.core, other_chargers_off="1")
    refused(desk, BadInput, charge.SavedMethod(method.id), desk.invoice())  # the method is of the test terminal


def test_a_moved_clock_never_meets_real_money(desk, sandbox, settings_of):
    settings_of(desk.core, environment="production", other_chargers_off="1")
    method = desk.saved_card()
    sandbox.jump(seconds=60)
    assert "clock is moved" in str(refused(desk, ConfigError, charge.SavedMethod(method.id), desk.invoice()))
    assert desk.attempts()[0].state == State.ABANDONED


def test_the_test_terminal_takes_payments_in_a_sandbox_only(desk, settings_of):
    method = desk.saved_card()
    settings_of(desk.core, sandbox_host="0")
    assert "sandbox" in str(refused(desk, ConfigError, charge.SavedMethod(method.id), desk.invoice()))


@pytest.mark.parametrize(("allowed", "card", "bank"), [("card", True, False), ("bank", False, True), ("both", True, True)])
def test_the_payment_type_says_what_customers_may_pay_with(desk, settings_of, allowed, card, bank):
    methods = {"card": desk.saved_card(), "bank": desk.saved_bank()}
    settings_of(desk.core, payment_type=allowed)
    for kind, is_allowed in (("card", card), ("bank", bank)):
        new = desk.new_card() if kind == "card" else desk.new_bank()
        if is_allowed:
            assert desk.pay(methods[kind], desk.topup(1000)).state in (State.APPROVED, State.ACCEPTED)
            continue
        for source in (charge.SavedMethod(methods[kind].id), new):
            assert "not accepted here" in refused(desk, BadInput, source, desk.topup(1000)).message
        with pytest.raises(BadInput):
            (desk.saved_card if kind == "card" else desk.saved_bank)()


def test_bank_debits_need_the_reports_or_a_stated_routine(desk, settings_of):
    settings_of(desk.core, reporting_merchant_id="")
    refused(desk, BadInput, desk.new_bank(), desk.topup(1000))
    settings_of(desk.core, bank_manual_routine="1")
    assert desk.take(desk.new_bank(), desk.topup(1000)).state == State.ACCEPTED


# -- tries -------------------------------------------------------------------------------------------------------------

def test_a_card_that_was_declined_ten_times_has_to_wait(desk, sandbox):
    method = desk.saved_card()
    for _ in range(4):
        desk.pay(method, desk.topup(1005))
    error = refused(desk, Stopped, charge.SavedMethod(method.id), desk.topup(1000), door=Door.RUN)
    assert error.reason == "limit"
    for _ in range(6):
        desk.pay(method, desk.topup(1005))
    refused(desk, Stopped, charge.SavedMethod(method.id), desk.topup(1000))
    refused(desk, Stopped, desk.new_card(), desk.topup(1000))  # the same card, typed anew
    other = desk.saved_card(number="5555555555554444")
    assert desk.pay(other, desk.topup(1000)).state == State.APPROVED
    sandbox.jump(days=31)
    assert desk.pay(method, desk.topup(1000)).state == State.APPROVED


def test_a_refusal_of_our_own_set_up_is_no_try_of_the_payer(desk, sandbox):
    method = desk.saved_card()
    for _ in range(10):
        sandbox.control("POST", "answers", {"type": "SALE", "action_code": "058"})
        assert desk.pay(method, desk.topup(1000)).state == State.DECLINED
        desk.core.database.run(lambda session: session.execute(__import__("sqlalchemy").text("DELETE FROM terminal")))
    assert desk.pay(method, desk.topup(1000)).state == State.APPROVED
