"""The backup method of a Charge: the customer's choice, named in the plan, tried once, never after doubt."""

import pytest
from sqlalchemy import select

from splynx_ippay import credentials
from splynx_ippay.base.errors import BadInput
from splynx_ippay.payments import reconcile
from splynx_ippay.payments.models import Attempt, State
from splynx_ippay.runs import backups, crew, work
from splynx_ippay.runs import plan as planning
from splynx_ippay.runs.filters import Filters
from splynx_ippay.runs.models import ItemState, Mode, Run, RunItem, RunState

OBRIEN = 2


@pytest.fixture
def switched_on(core, settings_of):
    settings_of(core, backup_method="1", minimum_amount="0")


@pytest.fixture
def both(switched_on, core, wallet):
    """A card by default, a bank account as the backup."""
    card, bank = wallet.card(OBRIEN), wallet.bank(OBRIEN)
    mark(core, bank)
    return card, bank


def mark(core, method, *, wanted=True):
    core.database.run(lambda session: credentials.set_backup(session, method.id, method.customer_id, wanted=wanted))


def decline(sandbox, code, times=99, kind="SALE"):
    sandbox.control("POST", "answers", {"type": kind, "action_code": code, "times": times})


def planned(core):
    return planning.plan(core, Filters(), "staff 1")


def charge(core, run):
    work.start(core, run.id, run.plan_hash, "staff 1")
    for _ in range(3):
        work.tick(core)
    return items(core, run)


def items(core, run):
    with core.database.read() as session:
        return list(session.scalars(select(RunItem).where(
            RunItem.run_id == run.id, RunItem.customer_id == OBRIEN).order_by(RunItem.document_id, RunItem.turn)))


def state(core, run):
    with core.database.read() as session:
        return session.get_one(Run, run.id).state


def attempt_of(core, item):
    with core.database.read() as session:
        return session.get_one(Attempt, item.attempt_id)


def test_a_soft_decline_is_followed_by_the_backup_once_and_the_plan_said_so(core, sandbox, both):
    card, bank = both
    run = planned(core)
    assert {(item.method_id, item.backup_method_id, item.backup_label) for item in items(core, run)} == {
        (card.id, bank.id, "Bank account •••• 6789")}
    invoices = len(items(core, run))
    decline(sandbox, "051")
    found = charge(core, run)
    assert [(item.turn, item.state) for item in found] == [(1, ItemState.REPLACED), (2, ItemState.DONE)] * invoices
    assert [attempt_of(core, item).state for item in found] == [State.DECLINED, State.ACCEPTED] * invoices
    assert {attempt_of(core, item).method_id for item in found if item.turn == 2} == {bank.id}
    assert state(core, run) == RunState.FINISHED
    progress = work.progress(core, run.id)
    assert (progress.done, progress.planned, progress.percent) == (invoices, invoices, 100)
    assert progress.results["replaced"].count == progress.results["accepted"].count == invoices
    assert progress.taken().cents == run.ready_cents
    assert len(sandbox.sales()) == invoices


def test_a_declined_backup_is_the_end(core, sandbox, both):
    run = planned(core)
    decline(sandbox, "051")
    decline(sandbox, "005", kind="CHECK")
    found = charge(core, run)
    assert {item.state for item in found if item.turn == 2} == {ItemState.DONE}
    assert {attempt_of(core, item).state for item in found} == {State.DECLINED}
    assert max(item.turn for item in found) == 2
    assert sandbox.sales() == []
    assert state(core, run) == RunState.FINISHED


@pytest.mark.parametrize("code", ["054", "004", "043", "602"])
def test_a_card_that_is_expired_lost_or_stolen_calls_for_a_person_not_for_the_backup(code, core, sandbox, both):
    run = planned(core)
    decline(sandbox, code)
    assert {item.turn for item in charge(core, run)} == {1}
    assert sandbox.sales() == []


def test_a_decline_that_was_unknown_first_is_never_followed(core, sandbox, both):
    run = planned(core)
    decline(sandbox, "051")
    sandbox.fault(server="gateway", kind="drop_after", match={"type": "SALE"}, times=99)
    found = charge(core, run)
    assert {attempt_of(core, item).state for item in found} == {State.UNKNOWN}
    sandbox.clear_faults()
    for _ in range(3):
        sandbox.jump(seconds=3600)
        reconcile.tick(core)
        work.tick(core)
    assert {attempt_of(core, item).state for item in found} == {State.DECLINED}
    assert {attempt_of(core, item).learned_from for item in found} == {"report"}
    core.database.run(lambda session: backups.follow_run(session, run.id))
    assert {item.turn for item in items(core, run)} == {1}


def test_off_or_not_chosen_there_is_no_backup(core, settings_of, wallet):
    wallet.card(OBRIEN)
    bank = wallet.bank(OBRIEN)
    assert {item.backup_method_id for item in items(core, planned(core))} == {None}
    settings_of(core, backup_method="1")
    assert {item.backup_method_id for item in items(core, planned(core))} == {None}
    mark(core, bank)
    settings_of(core, backup_method="0")
    assert {item.backup_method_id for item in items(core, planned(core))} == {None}


def test_a_backup_that_cannot_be_charged_is_not_planned(core, both, wallet):
    _card, bank = both
    wallet.change(bank, terminal_id="OTHER")
    assert {item.backup_method_id for item in items(core, planned(core))} == {None}


def test_another_backup_is_another_plan(core, both):
    _card, bank = both
    run = planned(core)
    mark(core, bank, wanted=False)
    assert planned(core).plan_hash != run.plan_hash


@pytest.mark.parametrize("change", ["withdrawn", "default", "removed", "off"])
def test_a_backup_that_is_none_any_more_when_its_turn_comes_is_not_charged(change, core, sandbox, both, settings_of):
    card, bank = both
    run = planned(core)
    decline(sandbox, "051")
    work.start(core, run.id, run.plan_hash, "staff 1")
    for item in items(core, run):
        work.charge_item(core, item.id)
    second = [item for item in items(core, run) if item.turn == 2]
    assert second
    assert state(core, run) == RunState.RUNNING
    if change == "withdrawn":
        mark(core, bank, wanted=False)
    elif change == "off":
        settings_of(core, backup_method="0")
    elif change == "default":
        core.database.run(lambda session: credentials.make_default(session, bank.id, OBRIEN))
    else:
        core.database.run(lambda session: credentials.remove(session, bank.id, OBRIEN))
    work.tick(core)
    after = [item for item in items(core, run) if item.turn == 2]
    assert {item.state for item in after} == {ItemState.DRIFTED}
    assert {item.reason for item in after} == {"method_refused" if change == "removed" else "backup_off"}
    assert sandbox.sales() == []
    assert state(core, run) == RunState.FINISHED
    assert card.id


def test_a_worker_that_died_after_the_answer_leaves_the_second_try_to_the_next(core, sandbox, both):
    run = planned(core)
    decline(sandbox, "051", times=1)
    work.start(core, run.id, run.plan_hash, "staff 1")
    first = items(core, run)[0]
    assert crew.charge_leased(core, first).state == ItemState.DONE  # and no record of it
    for _ in range(3):
        work.tick(core)
    found = [item for item in items(core, run) if item.document_id == first.document_id]
    assert [(item.turn, item.state) for item in found] == [(1, ItemState.REPLACED), (2, ItemState.DONE)]
    assert core.database.run(lambda session: backups.follow_run(session, run.id)) == 0
    assert state(core, run) == RunState.FINISHED


def test_a_customer_has_one_backup_and_the_default_is_none(core, switched_on, wallet):
    default, second, third = wallet.card(OBRIEN), wallet.bank(OBRIEN), wallet.bank(OBRIEN)
    mark(core, second)
    mark(core, third)
    with core.database.read() as session:
        assert [method.id for method in credentials.all_methods_of(session, OBRIEN) if method.backup_at] == [third.id]
    with pytest.raises(BadInput):
        mark(core, default)
    core.database.run(lambda session: credentials.remove(session, default.id, OBRIEN))
    with core.database.read() as session:
        assert [method.id for method in credentials.all_methods_of(session, OBRIEN) if method.backup_at] == []


def test_a_whole_balance_is_charged_to_the_backup_too(core, sandbox, both):
    _card, bank = both
    run = planning.plan(core, Filters(customer_ids=(OBRIEN,)), "staff 1", Mode.BALANCES)
    [item] = items(core, run)
    assert (item.document, item.state, item.backup_method_id) == ("balance", ItemState.READY, bank.id)
    decline(sandbox, "051")
    first, second = charge(core, run)
    assert (first.state, second.document, attempt_of(core, second).state) == (ItemState.REPLACED, "balance", State.ACCEPTED)
    assert [sale["amount_cents"] for sale in sandbox.sales()] == [item.amount_cents]
