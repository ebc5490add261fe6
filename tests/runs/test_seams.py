"""Where a Charge meets what was added around it: a token renewed in between, a first try that turns out to have been taken."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from splynx_ippay import credentials
from splynx_ippay.base import clock
from splynx_ippay.ippay.messages import Card
from splynx_ippay.payments import saving, states
from splynx_ippay.payments.models import Attempt, CustomerNote, State
from splynx_ippay.runs import plan as planning
from splynx_ippay.runs import work
from splynx_ippay.runs.filters import Filters
from splynx_ippay.runs.models import ItemState, Mode, RunItem

OBRIEN = 2


def items(core, run):
    with core.database.read() as session:
        return list(session.scalars(select(RunItem).where(
            RunItem.run_id == run.id, RunItem.customer_id == OBRIEN).order_by(RunItem.document_id, RunItem.turn)))


def attempts(core):
    with core.database.read() as session:
        return list(session.scalars(select(Attempt).order_by(Attempt.id)))


def test_a_card_renewed_between_preview_and_charge_is_charged_with_its_new_token(core, sandbox, wallet, settings_of):
    settings_of(core, minimum_amount="0")
    card = wallet.card(OBRIEN, year=2031)
    run = planning.plan(core, Filters(), "staff 1")
    old, new = core.box.decrypt(card.token_cipher), saving.tokenize(core, wallet.terminal, Card(
        number="4012888888881881", exp_month=11, exp_year=2041, holder="Test Payer", postal_code="80202"))
    news = credentials.News(terminal_id=card.terminal_id, environment=card.environment, code="A", at=clock.now() + timedelta(minutes=1),
                            old_token=old, new_token=new, masked="401288******1881", expiry="11/41")
    assert core.database.run(lambda session: credentials.apply(session, core.box, news)) == 1
    work.start(core, run.id, run.plan_hash, "staff 1")
    work.tick(core)
    assert {(attempt.state, attempt.last_four, attempt.method_id) for attempt in attempts(core)} == {(State.APPROVED, "1881", card.id)}


@pytest.mark.parametrize(("mode", "goes_on", "reason"), [
    (Mode.INVOICES, False, "customer_stopped"), (Mode.BALANCES, False, "customer_stopped"),
    (Mode.INVOICES, True, "already_paid"), (Mode.BALANCES, True, "already_paid")])
def test_the_backup_is_not_charged_once_the_first_try_turns_out_to_have_been_taken(
        core, sandbox, wallet, settings_of, mode, goes_on, reason):
    """``goes_on``: somebody let automatic charging go on without a look at the payment in doubt."""
    settings_of(core, backup_method="1", minimum_amount="0", charges_in_flight="1")
    wallet.card(OBRIEN)
    bank = wallet.bank(OBRIEN)
    core.database.run(lambda session: credentials.set_backup(session, bank.id, OBRIEN, wanted=True))
    run = planning.plan(core, Filters(customer_ids=(OBRIEN,)), "staff 1", mode)
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051", "times": 99})
    work.start(core, run.id, run.plan_hash, "staff 1")
    first = items(core, run)[0]
    assert work.charge_item(core, first.id)
    second = next(item for item in items(core, run) if item.turn == 2)
    [declined] = attempts(core)

    def late(session):
        states.late_evidence(session, states.get_attempt(session, declined.id), reason="the report shows it", says_taken=True)
        session.get_one(CustomerNote, OBRIEN).no_auto = not goes_on

    core.database.run(late)
    work.charge_item(core, second.id)
    second = next(item for item in items(core, run) if item.turn == 2)
    assert (second.state, second.reason, second.attempt_id if reason == "customer_stopped" else None) == (ItemState.DRIFTED, reason, None)
    assert sandbox.sales() == []
