"""The book of asks: two who mean the same thing at the same moment ask once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from splynx_ippay.asks import Ask, book, debts, failures
from splynx_ippay.base import clock

ASHLEY = 3


def ask(stage):
    return Ask(target="debt:invoice:7", stage=stage, why="soft", customer_id=ASHLEY, asked_at=clock.now(), asked_by="staff 1")


def test_the_same_stage_is_never_written_twice_and_its_mail_goes_with_it(village):
    village.core.database.run(lambda session: book.write(session, ask("1"), kind="ask", values={}))
    with pytest.raises(IntegrityError):
        village.core.database.run(lambda session: book.write(session, ask("1"), kind="ask", values={}))
    assert [one.stage for one in village.asks()] == ["1"]
    assert [mail.key for mail in village.outbox()] == ["debt:invoice:7/1"]


def test_who_finds_the_stage_taken_looks_again_and_leaves_it(village):
    looked = []

    def work(session):
        last = book.last_asks(session, ["debt:invoice:7"]) if looked else {}  # the first look was before the other wrote
        looked.append(last)
        if book.is_pausing(last.get("debt:invoice:7")):
            return "left"
        book.write(session, ask("1"), kind="ask", values={})
        return "asked"

    assert book.insist(village.core, work) == "asked"
    looked.clear()
    assert book.insist(village.core, work) == "left"
    assert len(looked) == 2
    assert len(village.asks()) == 1


def test_four_hands_on_one_button_send_one_mail(village, sandbox):
    village.card(ASHLEY)
    village.charge(ASHLEY, code="051")
    with village.core.database.read() as session:
        found = failures.page_of(session, since=clock.now() - timedelta(days=90), partner_id=None)[0]
    start, asked = threading.Barrier(4), []

    def press():
        start.wait(10)
        asked.append(len(debts.ask(village.core, found, by="staff 1")))

    hands = [threading.Thread(target=press) for _ in range(4)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(60)
    count = len(sandbox.unpaid_invoices(ASHLEY))
    assert sorted(asked) == [0, 0, 0, count]
    assert len(village.asks()) == len(village.outbox()) == count
