"""The outbox of mails: owed once, sent once, never twice; whom it goes to is looked up when it goes out."""

import dataclasses
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from splynx_ippay.base import clock
from splynx_ippay.base.db import Database
from splynx_ippay.base.money import Money
from splynx_ippay.ippay.messages import Card
from splynx_ippay.letters import kinds, sending
from splynx_ippay.notifications import MailState, enqueue
from splynx_ippay.payments import charge, saving
from splynx_ippay.payments.models import Door
from splynx_ippay.splynx.client import SplynxClient

VISA = Card(number="4111111111111111", exp_month=12, exp_year=2034, holder="Pat Doe", postal_code="84058", cvv="123")


@pytest.fixture
def paid(mailing, outbox):
    """A card payment of 50.00 of customer 1, and a receipt for it that is owed."""
    method = saving.save(mailing, 1, 1, VISA, None)
    return charge.take(mailing, charge.Order(
        door=Door.PORTAL, customer_id=1, partner_id=1, items=(charge.Item("topup", None, "", Money(5000, "USD")),),
        source=charge.SavedMethod(method.id), submission_key=charge.new_submission_key(), actor="customer 1"))


def owe(core, key, *, kind="paid", customer_id=1, attempt_id=1, **values):
    return core.database.run(lambda session: enqueue(session, kind=kind, key=key, customer_id=customer_id, attempt_id=attempt_id,
                                                     values=values))


def root(sandbox):
    return SplynxClient(sandbox.facts["api_url"], sandbox.facts["api_key"], sandbox.facts["api_secret"])


def to_server(core, settings_of, postmaster):
    settings_of(core, smtp_host="127.0.0.1", smtp_port=postmaster.port)


def test_a_key_owes_one_mail_for_ever_and_nothing_else_is_taken_for_a_repetition(core, outbox):
    assert owe(core, "a") is True
    assert owe(core, "a") is False
    assert owe(core, "a", customer_id=2) is False
    assert owe(core, "A") is True
    assert len(outbox.all()) == 2
    with pytest.raises(IntegrityError):
        owe(core, "b", customer_id=None)


def test_a_mail_is_owed_only_if_what_makes_it_owed_is_committed(core, outbox):
    def work(session):
        enqueue(session, kind="paid", key="a", customer_id=1)
        raise LookupError

    with pytest.raises(LookupError):
        core.database.run(work)
    assert outbox.all() == []


def test_a_mail_that_is_owed_goes_to_the_address_on_file_once(mailing, paid, outbox, caught, caplog):
    with caplog.at_level(logging.INFO):
        assert sending.tick(mailing) == 1
        assert sending.tick(mailing) == 0
    [mail] = caught()
    assert (mail["to"], mail["language"]) == ("customer1@mail.example", "en")
    assert mail["subject"] == "Receipt: you paid $50.00"
    assert "North & Sons" in mail["text"]
    [row] = outbox.all()
    assert (row.state, row.tries, row.sent_to, row.reason) == (MailState.SENT, 1, "c***@m***.example", "")
    assert "customer1@mail.example" not in caplog.text + repr([vars(mail) for mail in outbox.all()])


def test_many_workers_at_once_send_one_mail(mailing, paid, caught):
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: sending.tick(mailing), range(8))) == 1
    assert len(caught()) == 1


@pytest.mark.parametrize(("settings", "reason"), [
    ({"smtp_host": ""}, "no_server"), ({"smtp_from": ""}, "no_server"), ({"mail_receipts": "0"}, "switched_off"),
])
def test_nothing_piles_up_while_mails_are_not_to_go_out(mailing, paid, outbox, caught, settings_of, sandbox, settings, reason):
    settings_of(mailing, **settings)
    assert sending.tick(mailing) == 0
    assert outbox.states() == [("paid", "skipped", reason)]
    settings_of(mailing, smtp_host=sandbox.facts["smtp_host"], smtp_from="pay@north.example", mail_receipts="1")
    assert sending.tick(mailing) == 0
    assert caught() == []


def test_old_mails_and_kinds_of_another_version_do_not_go_out(mailing, paid, outbox, sandbox):
    owe(mailing, "new-kind", kind="poem")
    sandbox.jump(days=4)
    assert sending.tick(mailing) == 0
    assert outbox.states() == [("paid", "skipped", "too_old"), ("poem", "skipped", "unknown_kind")]


def test_the_address_is_that_of_the_moment_of_sending(mailing, paid, caught, sandbox, outbox):
    client = root(sandbox)
    client.put("admin/customers/customer/1", {"email": "second@mail.example", "billing_email": "nobody"})
    assert sending.tick(mailing) == 1
    assert caught()[0]["to"] == "second@mail.example"
    client.put("admin/customers/customer/1", {"email": "", "billing_email": ""})
    owe(mailing, "again", attempt_id=paid.id)
    owe(mailing, "gone", customer_id=99_999)
    assert sending.tick(mailing) == 0
    assert outbox.states()[1:] == [("paid", "failed", "no_address"), ("paid", "failed", "customer_gone")]
    assert {reason for _, _, reason in outbox.states()[1:]} <= set(kinds.REASONS)


def test_a_name_cannot_add_a_header_or_markup(mailing, paid, caught, sandbox, settings_of):
    settings_of(mailing, brand_name="")
    root(sandbox).put("admin/customers/customer/1", {"name": "Eve\r\nBcc: all@mail.example <b>x</b> {{ 7 * 7 }}"})
    root(sandbox).put("admin/administration/partners/1", {"name": "Nor\r\nBcc: all@mail.example<i>"})
    sending.tick(mailing)
    [mail] = caught()
    assert mail["envelope_to"] == ["customer1@mail.example"]
    assert "\nbcc:" not in mail["raw"].lower()
    assert "Eve Bcc: all@mail.example <b>x</b> {{ 7 * 7 }}" in mail["text"]
    assert "<b>x" not in mail["html"]
    assert "<i>" not in mail["html"]


def test_a_mail_speaks_the_language_of_the_settings(mailing, paid, caught, settings_of):
    settings_of(mailing, language="es")
    sending.tick(mailing)
    assert caught()[0]["language"] == "es"
    assert "US$50.00" in caught()[0]["text"]


def test_while_splynx_is_away_a_mail_waits_longer_each_time_and_then_fails(mailing, paid, outbox, sandbox, caught):
    sandbox.fault(server="host", kind="http_status", status=500, match={"path": "/api/2.0/admin/customers/customer/1"}, times=50)
    assert sending.tick(mailing) == 0
    assert outbox.states() == [("paid", "due", "splynx_away")]
    minutes = []
    while outbox.all()[0].state == MailState.DUE:
        sandbox.jump(seconds=(outbox.all()[0].next_at - clock.now()).total_seconds() + 1)
        before = clock.now()
        sending.tick(mailing)
        minutes.append(round((outbox.all()[0].next_at - before) / timedelta(minutes=1)))
    assert outbox.states() == [("paid", "failed", "splynx_away")]
    assert minutes[:9] == [2, 4, 8, 16, 32, 64, 128, 256, 360]
    assert set(minutes[9:]) == {360}
    assert caught() == []


def test_a_mail_that_was_tried_ends_with_what_stood_in_its_way_not_as_too_old(mailing, paid, outbox, sandbox):
    sandbox.fault(server="host", kind="http_status", status=500, match={"path": "/api/2.0/admin/customers/customer/1"}, times=1)
    sending.tick(mailing)
    sandbox.jump(days=4)
    sending.tick(mailing)
    assert outbox.states() == [("paid", "failed", "splynx_away")]


@pytest.mark.parametrize(("answers", "state", "reason"), [
    ({"HELLO": "554 no service"}, "due", "not_taken"), ({"MAIL": "550 who are you"}, "due", "not_taken"),
    ({"HELLO": "drop"}, "due", "not_taken"), ({"HELLO": "hang"}, "due", "not_taken"), ({"RCPT": "drop"}, "due", "not_taken"),
    ({"RCPT": "451 greylisted"}, "due", "not_taken"), ({"END": "452 full"}, "due", "not_taken"),
    ({"RCPT": "550 no such mailbox"}, "failed", "refused"), ({"END": "554 spam"}, "failed", "refused"),
    ({"DATA": "drop"}, "unsure", "interrupted"), ({"END": "drop"}, "unsure", "interrupted"), ({"END": "hang"}, "unsure", "interrupted"),
    ({"END": "what?"}, "unsure", "interrupted"), ({"QUIT": "drop"}, "sent", ""), ({"QUIT": "500 no"}, "sent", ""),
])
def test_what_the_mail_server_did_decides_whether_the_mail_may_be_tried_again(mailing, paid, outbox, sandbox, settings_of, postmaster,
                                                                              answers, state, reason):
    to_server(mailing, settings_of, postmaster)
    mailing.mail_seconds = 0.5
    postmaster.answers = answers
    sending.tick(mailing)
    assert outbox.states() == [("paid", state, reason)]
    calls = postmaster.calls
    postmaster.answers = {}
    sandbox.jump(seconds=120)
    sending.tick(mailing)
    assert postmaster.calls == calls + (state == "due")
    assert outbox.all()[0].state == ("sent" if state == "due" else state)
    assert len(postmaster.taken) == (1 if state in {"due", "sent"} or "END" in answers else 0) + (answers == {"END": "452 full"})


def test_a_refused_mailbox_does_not_hold_up_the_others_and_a_dead_server_does(mailing, paid, outbox, sandbox, settings_of, postmaster):
    owe(mailing, "other", attempt_id=paid.id)
    to_server(mailing, settings_of, postmaster)
    postmaster.answers = {"RCPT": "451 greylisted"}
    sending.tick(mailing)
    assert [mail.tries for mail in outbox.all()] == [1, 1]
    postmaster.answers = {"HELLO": "554 no service"}
    sandbox.jump(seconds=150)
    calls = postmaster.calls
    sending.tick(mailing)
    assert postmaster.calls == calls + 1
    settings_of(mailing, smtp_port="many")
    sandbox.jump(seconds=3600)
    sending.tick(mailing)
    assert "ConfigError" in {mail.detail for mail in outbox.all()}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_killed_while_the_mail_server_has_the_mail_never_sends_it_again(mailing, paid, outbox, sandbox, settings_of,
                                                                                postmaster, caught, moment):
    to_server(mailing, settings_of, postmaster)
    postmaster.answers = {"END": "hang"} if moment == "after" else {"HELLO": "hang"}
    mailing.database.engine.dispose()
    pid = os.fork()
    if not pid:
        signal.alarm(60)
        sending.tick(dataclasses.replace(mailing, database=Database(mailing.database.url), mail_seconds=50.0))
        os._exit(3)
    while not (postmaster.taken if moment == "after" else postmaster.calls):
        assert os.waitpid(pid, os.WNOHANG) == (0, 0)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    postmaster.answers = {}
    assert outbox.all()[0].state == MailState.SENDING
    sending.tick(mailing)
    assert outbox.all()[0].state == MailState.SENDING, "another worker may still be at it"
    sandbox.jump(seconds=16 * 60)
    sending.tick(mailing)
    assert outbox.states() == [("paid", "unsure", "interrupted")]
    assert postmaster.calls == 1


def test_a_mail_that_cannot_be_written_stops_no_other(mailing, paid, outbox, caught):
    owe(mailing, "nothing", attempt_id=99_999)
    owe(mailing, "good", attempt_id=paid.id)
    assert sending.tick(mailing) == 2
    assert outbox.states()[1] == ("paid", "due", "our_fault")
    assert outbox.all()[1].detail == "NoResultFound"


def test_a_receipt_of_a_payment_that_did_not_stay_one_is_not_sent(mailing, paid, outbox, caught):
    from splynx_ippay.payments import states

    mailing.database.run(lambda session: states.move(session, states.get_attempt(session, paid.id), "review", reason="odd"))
    assert sending.tick(mailing) == 0
    assert outbox.states() == [("paid", "skipped", "overtaken")]


def test_the_partners_name_of_splynx_signs_where_the_settings_have_none(mailing, paid, caught, settings_of):
    settings_of(mailing, brand_name="")
    owe(mailing, "second", attempt_id=paid.id)
    assert sending.tick(mailing) == 2
    assert len({mail["text"].partition("Paid to: ")[2].splitlines()[0] for mail in caught()}) == 1
