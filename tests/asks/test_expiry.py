"""Notices before a card expires: who gets them, on which day, and that nobody gets one twice."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from splynx_ippay.asks import expiry
from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError
from splynx_ippay.credentials import Method
from splynx_ippay.payments import states
from splynx_ippay.payments.models import Attempt
from splynx_ippay.runs import plan as planning
from splynx_ippay.runs.filters import Filters

JOHN, OBRIEN, ASHLEY, NORA = 1, 2, 3, 4


@pytest.fixture
def go_to(sandbox):
    """``go_to(7)``: the clock stands in the morning of that day of the month after next; ``go_to(1, months=1)`` later."""
    today = clock.now()
    start = today.year * 12 + today.month - 1 + 2

    def move(day, *, months=0):
        year, month = divmod(start + months, 12)
        wanted = datetime(year, month + 1, day, 9, tzinfo=UTC)
        if wanted > clock.now():
            sandbox.jump(seconds=int((wanted - clock.now()).total_seconds()))
        return wanted.date()

    return move


@pytest.fixture
def expiring(village, go_to):
    """``expiring(JOHN)``: a default card, its last month two months from now, of somebody whom a Charge took from."""
    def save(customer_id, **more):
        day = clock.now().year * 12 + clock.now().month - 1 + 2
        method = village.card(customer_id, year=day // 12, month=day % 12 + 1, **more)
        village.charge(customer_id)
        return method

    return save


def stages(village):
    return [(ask.customer_id, ask.stage[8:], ask.why) for ask in village.asks()]


def test_each_stage_of_the_last_month_is_one_mail_and_one_more_follows_once_it_is_over(village, expiring, go_to):
    card = expiring(JOHN)
    for day in (1, 6, 7, 8, 20, 21, 28):
        go_to(day)
        for _ in range(3):
            village.tick("expiry", "mails")
    assert stages(village) == [(JOHN, "07", "expiring"), (JOHN, "21", "expiring")]
    go_to(1, months=1)
    village.tick("expiry", "mails", "expiry")
    go_to(21, months=1)
    village.tick("expiry", "mails")
    assert stages(village)[2:] == [(JOHN, "01", "expired")]
    before, _, after = village.mails()
    assert before["to"] == "customer1@mail.example"
    assert "Your card Visa •••• 1111, from which your invoices are paid, can be used until" in before["text"]
    assert "/ippay/credentials?add=card" in before["text"]
    assert after["subject"] == "Your saved card has expired"
    with village.core.database.read() as session:
        assert session.get_one(Method, card.id).status == "active"  # never taken away


def test_only_who_will_be_charged_gets_a_notice(village, expiring, go_to, sandbox):
    expiring(JOHN)
    village.card(JOHN, number="5555555555554444", year=2040)  # no default
    later = village.card(ASHLEY)  # another year
    village.charge(ASHLEY)
    stopped = expiring(OBRIEN)
    village.core.database.run(lambda session: states.stop_automatic(session, OBRIEN, "R01"))
    village.card(NORA, partner_id=2, year=stopped.exp_year, month=stopped.exp_month)  # no Charge ever took from her
    go_to(7)
    village.tick("expiry")
    assert [ask.customer_id for ask in village.asks()] == [JOHN]
    assert later.is_default


def test_who_stands_in_a_charge_that_is_prepared_will_be_charged(village, go_to):
    wanted = go_to(20, months=-1)
    assert wanted < go_to(6)
    today = clock.now()
    card = village.card(JOHN, year=today.year, month=today.month)
    village.change(card, created_at=today - timedelta(days=40))
    go_to(7)
    village.tick("expiry")
    assert village.asks() == []
    planning.plan(village.core, Filters(customer_ids=(JOHN,)), "staff 1")
    village.tick("expiry")
    assert [ask.customer_id for ask in village.asks()] == [JOHN]


def test_a_day_the_worker_was_down_is_made_up_for_once_and_the_older_stage_is_left(village, expiring, go_to):
    expiring(JOHN)
    go_to(24)
    village.tick("expiry")
    village.tick("expiry")
    assert stages(village) == [(JOHN, "21", "expiring")]


def test_days_that_are_changed_in_the_month_repeat_nothing(village, expiring, go_to):
    expiring(JOHN)
    go_to(21)
    village.tick("expiry")
    village.set(expiry_notice_days="5, 20")
    village.tick("expiry")
    assert stages(village) == [(JOHN, "21", "expiring")]


def test_two_workers_at_once_give_one_notice(village, expiring, go_to):
    for customer_id in (JOHN, ASHLEY):
        expiring(customer_id)
    go_to(7)
    start = threading.Barrier(4)

    def work():
        start.wait(10)
        expiry.tick(village.core)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sorted(ask.customer_id for ask in village.asks()) == [JOHN, ASHLEY]
    assert len(village.outbox()) == 2


def test_a_card_that_is_replaced_before_the_mail_goes_out_gets_none(village, expiring, go_to):
    expiring(JOHN)
    go_to(7)
    village.tick("expiry")
    village.card(JOHN, number="5555555555554444", year=2040, make_default=True)
    village.tick("mails")
    assert [(mail.state, mail.reason) for mail in village.outbox()] == [("skipped", "overtaken")]


@pytest.mark.parametrize("off", [{"expiry_notice_days": ""}, {"smtp_host": ""}])
def test_without_days_or_a_mail_server_there_are_no_notices(village, expiring, go_to, off):
    expiring(JOHN)
    village.set(**off)
    go_to(21)
    village.tick("expiry")
    assert village.asks() == []


def test_a_card_of_another_terminal_or_of_a_partner_without_one_is_left_alone(village, expiring, go_to):
    card = expiring(JOHN)
    village.change(card, terminal_id="OTHER")
    go_to(7)
    village.tick("expiry")
    village.change(card, terminal_id="")
    village.set(terminal_id="")
    village.tick("expiry")
    assert village.asks() == []


@pytest.mark.parametrize("days", ["0", "32", "7; 21", "soon", "-1", "7, 7.5"])
def test_days_that_are_none_are_named(village, days):
    village.set(expiry_notice_days=days)
    with pytest.raises(ConfigError, match="Notices before a card expires"):
        village.core.settings.days("expiry_notice_days")


@pytest.mark.parametrize(("today", "stage"), [
    (date(2027, 2, 6), None), (date(2027, 2, 7), (date(2027, 2, 7), False)), (date(2027, 2, 27), (date(2027, 2, 7), False)),
    (date(2027, 2, 28), (date(2027, 2, 28), False)), (date(2027, 3, 1), (date(2027, 3, 1), True)),
])
def test_a_day_beyond_the_months_end_is_its_last(today, stage):
    card = Method(exp_year=2027, exp_month=2, created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert expiry.stage_of(card, (7, 31), today) == stage


def test_who_saved_the_card_after_a_stage_knows_its_date():
    card = Method(exp_year=2027, exp_month=2, created_at=datetime(2027, 2, 7, 8, tzinfo=UTC))
    assert expiry.stage_of(card, (7, 21), date(2027, 2, 9)) is None
    assert expiry.stage_of(card, (7, 21), date(2027, 2, 21)) == (date(2027, 2, 21), False)


def test_a_charge_long_ago_does_not_mean_that_one_follows(village, expiring, go_to):
    expiring(JOHN)
    village.core.database.run(lambda session: session.execute(
        update(Attempt).values(created_at=clock.now() - timedelta(days=101))))
    go_to(7)
    village.tick("expiry")
    assert village.asks() == []
