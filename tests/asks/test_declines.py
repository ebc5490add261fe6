"""After a Charge: who could not be charged is asked by mail, once for each debt and kind of refusal."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from splynx_ippay import credentials
from splynx_ippay.base.errors import HostUnavailable
from splynx_ippay.payments import charge
from splynx_ippay.payments.models import Door
from splynx_ippay.payments.orders import Item, Order, SavedMethod, new_submission_key
from splynx_ippay.runs import plan as planning
from splynx_ippay.runs import work
from splynx_ippay.runs.filters import Filters
from splynx_ippay.runs.models import RunItem

JOHN, OBRIEN, ASHLEY = 1, 2, 3


def test_each_declined_debt_gets_one_mail_with_the_reason_and_a_link_that_opens(village, sandbox, web, make_browser):
    village.card(JOHN)
    village.charge(JOHN, code="051")
    count = len(sandbox.unpaid_invoices(JOHN))
    village.tick("declines", "declines", "mails", "declines", "mails")
    mails = village.mails()
    assert len(mails) == len(village.asks()) == count > 1
    assert {mail["to"] for mail in mails} == {"customer1@mail.example"}
    invoice = sandbox.unpaid_invoices(JOHN)[0]
    mail = next(mail for mail in mails if f"invoice {invoice['number']} " in mail["subject"])
    assert "There is not enough money available on this card at the moment." in mail["text"]
    assert "your card Visa •••• 1111" in mail["text"]
    assert "/ippay/credentials" in mail["text"]
    link = re.search(r"http\S+/ippay/l/\S+", mail["text"])[0]
    assert link in mail["html"]
    page = make_browser().get(link)
    assert page.says(invoice["number"])
    assert not [sale for sale in sandbox.sales() if sale["order_number"] == invoice["number"]]  # looking moves nothing


def test_a_retry_of_the_same_kind_asks_nothing_and_another_kind_asks_again_after_the_pause(village, sandbox):
    village.card(ASHLEY)
    village.charge(ASHLEY, code="051")
    village.tick("declines")
    first = len(village.asks())
    village.charge(ASHLEY, code="054")  # another kind, but they were asked a moment ago
    village.tick("declines")
    sandbox.jump(days=4)
    village.charge(ASHLEY, code="005")  # soft, as 051
    village.tick("declines")
    assert len(village.asks()) == first > 0
    village.charge(ASHLEY, code="054")  # expired: the details want mending
    village.tick("declines")
    assert len(village.asks()) == 2 * first
    assert {(ask.stage, ask.why) for ask in village.asks()} == {("1", "soft"), ("2", "data")}


@pytest.mark.parametrize("off", [{"mail_declines": "0"}, {"smtp_host": ""}])
def test_switched_off_or_without_a_mail_server_nothing_is_owed(village, off):
    village.card(JOHN)
    village.charge(JOHN, code="051")
    village.set(**off)
    village.tick("declines")
    assert village.asks() == village.outbox() == []


def test_what_a_person_saw_on_a_page_is_not_mailed(village, sandbox):
    method = village.card(JOHN)
    for invoice in sandbox.unpaid_invoices(JOHN):
        sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051"})
        order = Order(door=Door.PORTAL, customer_id=JOHN, partner_id=1, source=SavedMethod(method.id), actor="customer 1",
                      items=(Item("invoice", int(invoice["id"]), invoice["number"], charge_amount(invoice)),),
                      submission_key=new_submission_key())
        assert charge.take(village.core, order).state == "declined"
    village.tick("declines")
    assert village.asks() == []


def charge_amount(invoice):
    from splynx_ippay.base.money import Money

    return Money(round(float(invoice["due"]) * 100), "USD")


def test_who_confirms_a_charge_reads_that_the_declined_get_a_mail(village, staff):
    village.card(ASHLEY)
    run = planning.plan(village.core, Filters(customer_ids=(ASHLEY,)), "staff 1")
    words = "A customer whose payment is declined gets a mail with the reason"
    assert staff.get(f"/ippay/admin/runs/{run.id}").says(words)
    village.set(mail_declines="0")
    assert not staff.get(f"/ippay/admin/runs/{run.id}").says(words)


def test_a_fault_of_our_set_up_is_nobodys_mail(village):
    village.card(ASHLEY)
    village.charge(ASHLEY, code="906")
    village.tick("declines")
    assert village.asks() == []


def test_without_splynx_nobody_is_asked_and_the_next_tick_does(village, sandbox):
    village.card(ASHLEY)
    village.charge(ASHLEY, code="051")
    fault = {"server": "host", "kind": "http_status", "status": 500, "match": {"path": "admin/customers/customer"}}
    sandbox.fault(**fault, times=20)
    with pytest.raises(HostUnavailable):
        village.tick("declines")
    assert village.asks() == []
    sandbox.clear_faults()
    village.tick("declines")
    assert len(village.asks()) == len(sandbox.unpaid_invoices(ASHLEY))


def test_who_has_paid_before_the_mail_goes_out_gets_none(village, sandbox):
    method = village.card(ASHLEY)
    village.charge(ASHLEY, code="051")
    village.tick("declines")
    invoice = sandbox.unpaid_invoices(ASHLEY)[0]
    order = Order(door=Door.PORTAL, customer_id=ASHLEY, partner_id=1, source=SavedMethod(method.id), actor="customer 3",
                  items=(Item("invoice", int(invoice["id"]), invoice["number"], charge_amount(invoice)),),
                  submission_key=new_submission_key())
    assert charge.take(village.core, order).state == "approved"
    village.tick("mails")
    assert invoice["number"] not in " ".join(mail["subject"] for mail in village.mails())
    assert ("skipped", "overtaken") in {(mail.state, mail.reason) for mail in village.outbox()}


@pytest.mark.parametrize("is_stopped", [False, True])
def test_nobody_is_asked_while_the_backup_method_has_its_turn(village, sandbox, is_stopped):
    village.set(backup_method="1")
    village.card(JOHN)
    bank = village.bank(JOHN)
    village.core.database.run(lambda session: credentials.set_backup(session, bank.id, JOHN, wanted=True))
    run = planning.plan(village.core, Filters(customer_ids=(JOHN,)), "staff 1")
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "051", "times": run.ready_count})
    work.start(village.core, run.id, run.plan_hash, "staff 1")
    with village.core.database.read() as session:
        first = list(session.scalars(select(RunItem.id).where(RunItem.run_id == run.id)))
    for item_id in first:
        assert work.charge_item(village.core, item_id)
    if is_stopped:  # who knows when it goes on
        work.stop(village.core, run.id, "staff 1")
    village.tick("declines")
    assert len(village.asks()) == (len(first) if is_stopped else 0)
    if not is_stopped:
        work.tick(village.core)
        village.tick("declines")
        assert village.asks() == []
        assert len(sandbox.sales()) == len(first)
