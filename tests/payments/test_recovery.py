"""After a backup was restored: what the neighbours know comes back, what is in doubt is held, and only then money moves."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import (
    AlreadyOpen,
    AmountChanged,
    BadInput,
    ConfigError,
    GatewayError,
    HostUnavailable,
    Stopped,
)
from splynx_ippay.letters import sending
from splynx_ippay.notifications import OutboxMail
from splynx_ippay.payments import findings, foreign, mark, recovery, relive, seals
from splynx_ippay.payments.feed_models import FeedRow
from splynx_ippay.payments.models import Attempt, Booking, DebtKey, Line, State
from splynx_ippay.payments.watch_models import Installation


def found_again(desk, lost_attempt):
    """The attempt as it is in the restored database."""
    return next((attempt for attempt in desk.attempts() if attempt.transaction_id == lost_attempt.transaction_id), None)


def keep_from_host(desk, sandbox, method, item):
    """A sale that Splynx was not told of."""
    sandbox.fault(server="host", kind="http_status", status=500, match={"method": "POST", "path": "admin/finance/payments"})
    attempt = desk.pay(method, item)
    sandbox.clear_faults()
    assert attempt.state == State.APPROVED
    return attempt


def open_findings(core):
    with core.database.read() as session:
        return findings.open_of(session, findings.LOST, findings.FOREIGN)


def test_a_payment_both_neighbours_know_is_in_the_books_again(desk, sandbox, lost, breaches):
    method, invoice = desk.saved_card(), desk.invoice()
    gone = lost(lambda: desk.pay(method, invoice))
    report = recovery.recover(desk.core)
    [words] = report.whole
    assert gone.transaction_id in words
    attempt = found_again(desk, gone)
    assert (attempt.state, attempt.amount, attempt.customer_id, attempt.approval) == (
        State.APPROVED, gone.amount, 1, gone.approval)
    [line] = attempt.lines
    assert (line.booking, line.document, line.document_id) == (Booking.POSTED, "invoice", invoice.document_id)
    assert desk.kinds(attempt) == ["recovered", "state"]
    recovery.release(desk.core, by="me")
    with pytest.raises(AmountChanged):
        desk.pay(method, invoice)
    assert desk.pay(method, desk.topup(1200)).state == State.APPROVED
    desk.tick()
    assert breaches() == []
    assert open_findings(desk.core) == []


def test_a_sale_splynx_was_not_told_of_waits_for_a_person_and_holds_its_invoice(desk, sandbox, lost):
    method, invoice = desk.saved_card(), desk.invoice()
    gone = lost(lambda: keep_from_host(desk, sandbox, method, invoice))
    report = recovery.recover(desk.core)
    assert "Splynx has no payment" in report.doubtful[0]
    attempt = found_again(desk, gone)
    assert (attempt.state, attempt.lines[0].booking) == (State.REVIEW, Booking.NONE)
    recovery.release(desk.core, by="me")
    with pytest.raises(AlreadyOpen):
        desk.pay(method, invoice)
    [finding] = open_findings(desk.core)
    assert finding.subject == gone.transaction_id
    assert foreign.acknowledge(desk.core, gone.transaction_id, by="me") == 0
    assert recovery.mark.why(desk.core) == ""


def test_a_proforma_is_found_by_its_number_too(desk, sandbox, lost):
    method, proforma = desk.saved_card(), desk.proforma()
    gone = lost(lambda: keep_from_host(desk, sandbox, method, proforma))
    recovery.recover(desk.core)
    [line] = found_again(desk, gone).lines
    assert (line.document, line.document_id) == ("proforma", proforma.document_id)


def test_a_balance_splynx_was_not_told_of_waits_for_a_person_and_holds_the_account(desk, sandbox, lost):
    method, invoice = desk.saved_card(), desk.invoice()
    gone = lost(lambda: keep_from_host(desk, sandbox, method, desk.balance()))
    recovery.recover(desk.core)
    attempt = found_again(desk, gone)
    [line] = attempt.lines
    assert (attempt.state, attempt.customer_id, line.document, line.document_id, line.number, line.amount_cents) == (
        State.REVIEW, 1, "balance", None, "", 21000)
    recovery.release(desk.core, by="me")
    for item in (invoice, desk.topup(500), desk.balance()):
        with pytest.raises(AlreadyOpen):
            desk.pay(method, item)


def test_a_lost_top_up_nobody_booked_is_listed_for_nobody_knows_whose_it_is(desk, sandbox, lost):
    method = desk.saved_card()
    gone = lost(lambda: keep_from_host(desk, sandbox, method, desk.topup(1700)))
    report = recovery.recover(desk.core)
    assert found_again(desk, gone) is None
    assert gone.transaction_id in report.listed[0]
    assert "17.00" in report.listed[0]
    assert recovery.recover(desk.core).listed == []  # once is enough
    assert len(open_findings(desk.core)) == 1


def test_a_lost_top_up_and_a_bank_debit_that_were_booked_come_back(desk, sandbox, lost, settings_of):
    settings_of(desk.core, bank_posting="on_acceptance")
    card, bank = desk.saved_card(), desk.saved_bank()
    topup, debit = lost(lambda: (desk.pay(card, desk.topup(1800)), desk.pay(bank, desk.invoice())))
    report = recovery.recover(desk.core)
    assert len(report.whole) == 2
    assert [(found_again(desk, one).state, found_again(desk, one).kind) for one in (topup, debit)] == [
        (State.APPROVED, "sale"), (State.ACCEPTED, "check")]
    recovery.release(desk.core, by="me")
    desk.tick(days=5)
    assert desk.attempt(found_again(desk, debit).id).settled_on is not None


def test_several_invoices_at_once_come_back_line_by_line(desk, lost, sandbox):
    method = desk.saved_card()
    gone = lost(lambda: desk.pay(method, desk.invoice(), desk.invoice(position=1)))
    recovery.recover(desk.core)
    attempt = desk.attempt(found_again(desk, gone).id)
    assert attempt.state == State.APPROVED
    assert [(line.position, line.booking, line.amount) for line in attempt.lines] == [
        (line.position, Booking.POSTED, line.amount) for line in gone.lines]


def test_without_a_reporting_login_what_splynx_shows_waits_for_a_person(desk, sandbox, lost, settings_of):
    settings_of(desk.core, reporting_merchant_id="", bank_manual_routine="1", bank_posting="on_acceptance")
    card, bank = desk.saved_card(), desk.saved_bank()
    sale, debit = lost(lambda: (desk.pay(card, desk.invoice()), desk.pay(bank, desk.topup(1900))))
    report = recovery.recover(desk.core)
    assert "no reporting login" in " ".join(report.notes)
    assert len(report.doubtful) == 2
    assert [(found_again(desk, one).state, found_again(desk, one).instrument, found_again(desk, one).lines[0].booking)
            for one in (sale, debit)] == [(State.REVIEW, "card", Booking.POSTED), (State.REVIEW, "bank", Booking.POSTED)]
    recovery.release(desk.core, by="me")
    assert "IPpay's reports do not show the sale" in open_findings(desk.core)[0].words


def test_different_amounts_wait_for_a_person(desk, sandbox, lost):
    method = desk.saved_card()
    gone = lost(lambda: desk.pay(method, desk.topup(2000)))
    payment = next(row for row in sandbox.payments() if str(row["field_1"]).startswith(gone.transaction_id))
    desk.core.host.client.put(f"admin/finance/payments/{payment['id']}", {"amount": "19.00"})
    report = recovery.recover(desk.core)
    assert "different amounts (2000 and 1900 cents)" in report.doubtful[0]
    assert found_again(desk, gone).amount_cents == 2000


def test_an_intent_of_the_copy_may_have_been_sent_after_the_copy(desk, sandbox, lost):
    """The worker would call it never sent; the feed says that it was."""
    method, invoice = desk.saved_card(), desk.invoice()
    gone = desk.pay(method, invoice)

    def back_to_intent(session):
        session.execute(update(Attempt).values(state=State.INTENDED, sending_at=None, answered_at=None))
        session.execute(update(Line).values(booking=Booking.NONE, splynx_payment_id=None))
        session.execute(update(DebtKey).values(open_target=DebtKey.target))

    desk.core.database.run(back_to_intent)
    lost(lambda: desk.pay(method, desk.topup(2100)))
    report = recovery.recover(desk.core)
    assert "may have been sent" in " ".join(report.notes)
    assert desk.attempt(gone.id).state == State.UNKNOWN
    recovery.release(desk.core, by="me")
    desk.tick(seconds=5)
    attempt = desk.attempt(gone.id)
    assert (attempt.state, attempt.lines[0].booking) == (State.APPROVED, Booking.POSTED)
    assert len(desk.payments_of(attempt)) == 1


def test_a_report_that_cannot_be_read_ends_the_recovery_unfinished(desk, sandbox, lost):
    method = desk.saved_card()
    lost(lambda: desk.pay(method, desk.invoice()))
    sandbox.fault(server="gateway", kind="http_status", status=500, match={"path": "/ippayReport/"})
    with pytest.raises(GatewayError, match="could not be read whole"):
        recovery.recover(desk.core)
    with pytest.raises(BadInput, match="recover first"):
        recovery.release(desk.core, by="me")


def test_a_terminal_that_is_gone_from_the_settings_is_asked_for(desk, sandbox, lost, settings_of):
    method = desk.saved_card()
    lost(lambda: desk.pay(method, desk.invoice()))
    recovery_row = desk.core.settings.terminals()["TESTTERMINAL"]
    since = clock.now() - timedelta(days=1)
    recovery.feeds.read_days(desk.core, recovery_row, "credit", since, clock.now())
    settings_of(desk.core, terminal_id="OTHERTERMINAL", reporting_merchant_id="")
    with pytest.raises(ConfigError, match="not in the settings any more"):
        recovery.recover(desk.core)


def test_a_sale_of_a_terminal_that_is_gone_and_that_nobody_booked_is_listed(desk, sandbox, lost, settings_of):
    method = desk.saved_card()
    lost(lambda: keep_from_host(desk, sandbox, method, desk.invoice()))
    recovery.feeds.read_days(desk.core, desk.core.settings.terminals()["TESTTERMINAL"], "credit",
                             clock.now() - timedelta(days=1), clock.now())
    settings_of(desk.core, terminal_id="OTHERTERMINAL", reporting_merchant_id="")
    assert len(recovery.recover(desk.core).listed) == 1


def test_a_number_the_host_does_not_know_any_more_is_listed(desk, sandbox, lost):
    method, invoice = desk.saved_card(), desk.invoice()
    lost(lambda: keep_from_host(desk, sandbox, method, invoice))
    desk.core.host.client.put(f"admin/finance/invoices/{invoice.document_id}", {"number": "ANOTHER"})
    report = recovery.recover(desk.core)
    assert len(report.listed) == 1


def test_a_debt_another_attempt_holds_by_now_is_not_taken_from_it(desk, sandbox, lost):
    method, invoice = desk.saved_card(), desk.invoice()
    gone = lost(lambda: keep_from_host(desk, sandbox, method, invoice))
    desk.core.database.run(mark._row)
    released = desk.core.spool / mark.FILE
    words = released.read_text()
    released.unlink()
    desk.core.database.run(lambda session: session.execute(update(Installation).values(
        quarantined_at=None, epoch=9)))
    mark._write(desk.core, mark._now(desk.core, mark._ask(desk.core, None)))
    sandbox.fault(server="gateway", kind="drop_before", match={"type": "SALE"}, times=1)
    other = desk.pay(method, invoice)
    assert other.state == State.UNKNOWN
    released.write_text(words.replace('"epoch": 1', '"epoch": 10'))
    recovery.recover(desk.core)
    assert found_again(desk, gone).state == State.REVIEW
    with desk.core.database.read() as session:
        holders = session.query(DebtKey).filter(DebtKey.open_target.is_not(None)).all()
        assert [key.line.attempt_id for key in holders] == [other.id]


def test_a_sound_database_has_nothing_to_recover(desk):
    with pytest.raises(BadInput, match="nothing to recover"):
        recovery.recover(desk.core)


def test_an_empty_copy_is_read_a_month_back_and_the_seals_begin_anew(desk, sandbox, lost):
    method, invoice = desk.saved_card(), desk.invoice()
    lost(lambda: (desk.pay(method, invoice), seals.write(desk.core, settle=timedelta())))
    report = recovery.recover(desk.core)
    assert clock.now() - report.since >= timedelta(days=35)
    assert "sealed" in " ".join(seals.verify(desk.core).values())
    recovery.release(desk.core, by="me")
    assert seals.verify(desk.core) == {}
    assert len(list(desk.core.spool.glob("seals-until-*.log"))) == 1
    with desk.core.database.read() as session:
        row = session.get_one(Installation, 1)
        assert (row.quarantined_at, row.released_by) == (None, "me")
        assert "in the books again" in row.report


def test_a_host_that_ignores_the_page_is_not_read_for_ever(desk, sandbox):
    """Two pages with the same rows: something would be missed, or it would never end."""
    desk.pay(desk.saved_card(), desk.invoice())
    with pytest.raises(HostUnavailable):
        list(OneSided(desk.core.host).payments_since(clock.now().date()))


class OneSided:
    """A host whose answers are always the first page."""

    def __init__(self, host):
        class Client:
            @staticmethod
            def get_rows(path, params):
                params = params | {"main_attributes": {"date": params["main_attributes"]["date"]}}
                return host.client.get_rows(path, params)

        self.client = Client()
        self.payments_since = type(host).payments_since.__get__(self)


def test_a_row_without_amount_day_or_document_says_so(desk):
    row = FeedRow(transaction_id="", ip_trans_id="77", fingerprint="f" * 64, amount_cents=None, at=None, request_type="SALE",
                  terminal_id="T", order_number="")
    assert foreign.words_of(row) == "77: SALE of an unknown amount on terminal T, an unknown time"
    assert relive.foreign_cents(row) == "unknown"
    assert relive.trace(desk.core, "X", row, []) is None
    assert clock.now() - relive._noon() < timedelta(minutes=1)


def test_no_mail_of_the_old_copy_goes_out_and_what_was_found_again_owes_none(desk, sandbox, lost):
    method = desk.saved_card()
    desk.pay(method, desk.topup(5000))
    lost_attempt = lost(lambda: desk.pay(method, desk.invoice()))
    with pytest.raises(Stopped):
        sending.tick(desk.core)
    recovery.recover(desk.core)
    recovery.release(desk.core, by="anna")
    assert found_again(desk, lost_attempt).state == State.APPROVED
    assert sending.tick(desk.core) == 0
    with desk.core.database.read() as session:
        assert [(mail.state, mail.reason) for mail in session.scalars(select(OutboxMail))] == [("skipped", "restored")]
