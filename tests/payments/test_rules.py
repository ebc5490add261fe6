"""Small rules of the core: what is due, endings, banking days, events, limits, the journal."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text, update

from splynx_ippay.base import clock
from splynx_ippay.base.errors import ConfigError, HostRejected, HostUnavailable
from splynx_ippay.base.money import Money
from splynx_ippay.payments import calendar, due, events, limits, view
from splynx_ippay.payments.models import Attempt, Booking, Event, Line, State
from splynx_ippay.payments.statements import StatementGroup


def money(cents):
    return Money(cents, "USD")


# -- what is due -------------------------------------------------------------------------------------------------------

def line_of(database, state, booking, cents, *, on_account=False):
    """A line of ours on invoice 7."""
    def insert(session):
        now = clock.now()
        number = session.execute(text("SELECT count(*) FROM attempt")).scalar_one()
        attempt = Attempt(
            transaction_id=f"T{number}", submission_key=f"K{number}", kind="sale", door="portal", actor="test",
            customer_id=1, partner_id=1, terminal_id="T", environment="test", currency="USD", amount_cents=cents,
            instrument="card", state=state, version=1, state_at=now, created_at=now, send_by_at=now)
        attempt.lines.append(Line(position=1, document="invoice", document_id=7, number="7", amount_cents=cents,
                                  booking=booking, booking_version=1, on_account=on_account))
        session.add(attempt)
        session.flush()
        return attempt.id

    return database.run(insert)


@pytest.mark.parametrize("case", [
    (State.APPROVED, Booking.POSTED, False, 7000, 7000),  # the host shows our 50.00 already
    (State.APPROVED, Booking.POSTED, False, 12000, 7000),  # our payment went missing there: not again by itself
    (State.APPROVED, Booking.POSTED, True, 12000, 7000),  # on account: the document does not show it
    (State.APPROVED, Booking.POSTED, True, 6000, 1000),
    (State.APPROVED, Booking.DUE, False, 12000, 7000), (State.ACCEPTED, Booking.NONE, False, 12000, 7000),
    (State.UNKNOWN, Booking.NONE, False, 12000, 7000), (State.REVIEW, Booking.NONE, False, 9000, 4000),
    (State.INTENDED, Booking.NONE, False, 3000, 0),
    (State.DECLINED, Booking.NONE, False, 12000, 12000), (State.ABANDONED, Booking.NONE, False, 12000, 12000),
    (State.VOIDED, Booking.UNDONE, False, 12000, 12000), (State.RETURNED, Booking.UNDONE, False, 12000, 12000)])
def test_what_we_took_and_the_host_does_not_show_is_not_taken_again(database, case):
    state, booking, on_account, host_due, rest = case
    attempt_id = line_of(database, state, booking, 5000, on_account=on_account)
    with database.read() as session:
        found = due.chargeable(session, "invoice", 7, host_due=money(host_due), total=money(12000))
        own = due.chargeable(session, "invoice", 7, host_due=money(host_due), total=money(12000), besides=attempt_id)
        other = due.chargeable(session, "proforma", 7, host_due=money(host_due), total=money(12000))
    assert found == money(rest)
    assert own == other == money(host_due)


def test_a_debt_is_found_by_id_and_by_number_with_one_call(desk, sandbox):
    item = desk.invoice()
    desk.core.host.get_customer(1)
    sandbox.reset_counters()
    by_id = due.find_debt(desk.core, "invoice", currency="USD", document_id=item.document_id)
    assert sum(sandbox.counters()["host"].values()) == 1
    assert by_id == due.find_debt(desk.core, "invoice", currency="USD", number=item.number, customer_id=1)
    assert (by_id.status, by_id.due, by_id.held) == ("open", item.amount, None)
    proforma = desk.proforma()
    assert due.find_debt(desk.core, "proforma", currency="USD", number=proforma.number).document_id == proforma.document_id
    assert due.find_debt(desk.core, "proforma", currency="USD", document_id=proforma.document_id).due == proforma.amount


def test_a_debt_that_is_missing_foreign_or_unnamed_is_none(desk, sandbox):
    item = desk.invoice()
    assert due.find_debt(desk.core, "invoice", currency="USD", document_id=999999) is None
    assert due.find_debt(desk.core, "invoice", currency="USD", document_id=item.document_id, customer_id=2) is None
    assert due.find_debt(desk.core, "invoice", currency="USD", number="no such") is None
    assert due.find_debt(desk.core, "proforma", currency="USD") is None


def test_a_refusal_that_is_not_about_the_document_comes_out(desk, sandbox):
    sandbox.fault(server="host", kind="http_status", status=403, json=True, match={"path": "admin/finance/invoices"})
    with pytest.raises(HostRejected):
        due.find_debt(desk.core, "invoice", currency="USD", document_id=1)
    sandbox.fault(server="host", kind="html", match={"path": "admin/finance/invoices"})
    with pytest.raises(HostUnavailable):
        due.find_debt(desk.core, "invoice", currency="USD", document_id=1)


def test_a_debt_says_who_is_paying_it_and_nothing_is_due_meanwhile(desk):
    item = desk.invoice()
    attempt = desk.lose_answer(desk.saved_card(), item)
    debt = due.find_debt(desk.core, "invoice", currency="USD", document_id=item.document_id)
    assert (debt.held.door, debt.held.transaction_id, debt.held.state) == ("portal", attempt.transaction_id, "unknown")
    assert (debt.due.cents, debt.host_due) == (0, item.amount)


def test_paid_pending_and_deleted_documents_say_so(desk, sandbox):
    paid, pending, gone = (desk.invoice(position=place) for place in range(3))
    desk.pay(desk.saved_card(), paid)
    desk.core.host.client.put(f"admin/finance/invoices/{pending.document_id}", {"status": "pending"})
    desk.core.host.client.delete(f"admin/finance/invoices/{gone.document_id}")
    found = [due.find_debt(desk.core, "invoice", currency="USD", document_id=item.document_id)
             for item in (paid, pending, gone)]
    assert [debt.status for debt in found if debt] == ["paid", "pending", "deleted"][:sum(map(bool, found))]
    assert found[0].status == "paid"
    assert found[1].status == "pending"


# -- how an attempt reads ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("state", "instrument", "name", "is_final"), [
    (State.INTENDED, "card", "unknown", False), (State.UNKNOWN, "bank", "unknown", False),
    (State.APPROVED, "card", "approved", True), (State.APPROVED, "bank", "settled", True),
    (State.ACCEPTED, "bank", "accepted", True), (State.ABANDONED, "card", "abandoned", True),
    (State.VOIDED, "card", "voided", True), (State.RETURNED, "bank", "returned", True),
    (State.REVIEW, "card", "review", True), (State.DECLINED, "card", "declined", True)])
def test_every_state_has_an_ending(state, instrument, name, is_final):
    attempt = Attempt(state=state, instrument=instrument, action_code="005", brand="Visa", response_text="",
                      created_at=datetime(2026, 11, 20, tzinfo=UTC))
    ending = view.ending(attempt)
    assert (ending.name, ending.is_final) == (name, is_final)


def test_the_days_of_a_debit_are_banking_days_after_it_was_sent():
    days = view.debit_days(Attempt(created_at=datetime(2026, 11, 20, 12, tzinfo=UTC)))
    assert (days.sent_on, days.leaves_on) == (date(2026, 11, 20), date(2026, 11, 23))
    assert days.final_on == date(2026, 11, 30)  # Thanksgiving and a weekend between


# -- banking days ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("year", "days"), [
    (2026, "01-01 01-19 02-16 05-25 06-19 07-04 09-07 10-12 11-11 11-26 12-25"),
    (2027, "01-01 01-18 02-15 05-31 06-19 07-05 09-06 10-11 11-11 11-25 12-25"),
    (2028, "01-01 01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-11 11-23 12-25"),
    (2034, "01-02 01-16 02-20 05-29 06-19 07-04 09-04 10-09 11-11 11-23 12-25")])
def test_the_holidays_are_those_the_federal_reserve_publishes(year, days):
    assert calendar.holidays(year) == {date.fromisoformat(f"{year}-{day}") for day in days.split()}


def test_a_holiday_on_a_saturday_leaves_the_friday_open():
    assert calendar.is_banking_day(date(2026, 7, 3))
    assert not calendar.is_banking_day(date(2026, 7, 4))
    assert not calendar.is_banking_day(date(2027, 7, 5))


def test_banking_days_are_counted_over_weekends_and_holidays():
    assert calendar.add_banking_days(date(2026, 11, 25), 1) == date(2026, 11, 27)
    assert calendar.add_banking_days(date(2026, 11, 25), 0) == date(2026, 11, 25)
    assert calendar.banking_days_between(date(2026, 11, 20), date(2026, 11, 30)) == 5
    assert calendar.banking_days_between(date(2026, 11, 20), date(2026, 11, 20)) == 0


# -- events ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("change", [
    "UPDATE event SET kind = 'nothing' WHERE seq = 2", "UPDATE event SET data = '{}' WHERE seq = 1",
    "DELETE FROM event WHERE seq = 2", "UPDATE event SET previous_hash = '' WHERE seq = 3",
    "UPDATE event SET at = '2020-01-01 00:00:00.000000' WHERE seq = 3"])
def test_a_changed_or_removed_event_is_found(desk, change):
    attempt = desk.pay(desk.saved_card(), desk.topup(1000))
    assert events.first_broken(desk.events(attempt.id)) is None
    desk.core.database.run(lambda session: session.execute(text(change)))
    desk.excused.add("tampered")
    assert events.first_broken(desk.events(attempt.id)) is not None


def test_events_hold_no_secret(desk):
    attempt = desk.take(desk.new_card(), desk.topup(1000))
    token = desk.core.box.decrypt(attempt.token_cipher)
    with desk.core.database.read() as session:
        texts = [str(event.data) for event in session.query(Event)]
    assert not any(secret in words for words in texts for secret in ("4111111111111111", "123", token))


# -- counted things ----------------------------------------------------------------------------------------------------

def test_hits_are_counted_by_bucket_and_forgotten(desk, sandbox):
    def look(bucket, window=timedelta(hours=1)):
        with desk.core.database.read() as session:
            return limits.count(session, bucket, window)

    for bucket in ("link:1.2.3.4", "link:1.2.3.4", "link:5.6.7.8", "x" * 200):
        desk.core.database.run(lambda session, name=bucket: limits.hit(session, name))
    assert (look("link:1.2.3.4"), look("link:5.6.7.8"), look("x" * 200), look("none")) == (2, 1, 1, 0)
    for left in (1, 0, 0):  # one less each time, and never below nothing
        desk.core.database.run(lambda session: limits.take_back_newest(session, "link:5.6.7.8"))
        desk.core.database.run(lambda session: limits.take_back_newest(session, "link:1.2.3.4"))
        assert (look("link:1.2.3.4"), look("link:5.6.7.8")) == (left, 0)
    desk.core.database.run(lambda session: limits.hit(session, "link:1.2.3.4"))
    sandbox.jump(seconds=3700)
    assert look("link:1.2.3.4") == 0
    sandbox.jump(days=3)
    desk.core.database.run(limits.forget_old)
    assert look("link:1.2.3.4", timedelta(days=30)) == 0


# -- the journal -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("grouping", "shape"), [("month", "%m/%Y"), ("day", "%d/%m/%Y")])
def test_payments_are_grouped_by_month_or_day(desk, sandbox, settings_of, grouping, shape):
    settings_of(desk.core, payment_statement_grouping=grouping)
    method = desk.saved_card()
    desk.pay(method, desk.topup(1000))
    desk.pay(method, desk.topup(1100))
    titles = [row["title"] for row in sandbox.ledger()["host"]["statements"]]
    assert titles == [clock.now().strftime(f"IPpay {shape}")]


def test_a_statement_that_exists_already_is_used(desk, sandbox):
    client = desk.core.host
    client.create_statement(clock.now().strftime("IPpay %m/%Y"))
    desk.pay(desk.saved_card(), desk.topup(1000))
    assert len(sandbox.ledger()["host"]["statements"]) == 1


def test_the_first_charges_of_a_month_share_one_statement(desk, sandbox):
    method = desk.saved_card()
    joins = [desk.in_background(lambda place=place: desk.pay(method, desk.invoice(position=place))) for place in range(3)]
    assert all(join().state == State.APPROVED for join in joins)
    assert len(sandbox.ledger()["host"]["statements"]) == 1


def test_a_statement_that_was_deleted_is_looked_for_again(desk, sandbox):
    method = desk.saved_card()
    desk.pay(method, desk.topup(1000))
    desk.core.database.run(lambda session: session.execute(update(StatementGroup).values(splynx_id=4711)))
    first, second = desk.pay(method, desk.topup(1100)), desk.pay(method, desk.topup(1200))
    assert (first.state, desk.records(first)) == (State.APPROVED, [])
    assert desk.records(second) == ["processed"]


def test_the_journal_follows_a_payment_to_its_end(desk, sandbox):
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    desk.tick()
    assert desk.records(attempt) == ["pending"]
    desk.tick(seconds=6)
    assert desk.records(attempt) == ["processed"]


def test_an_abandoned_attempt_is_cancelled_in_the_journal(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="gateway", kind="refuse")
    attempt = desk.pay(method, item)
    sandbox.clear_faults()
    desk.tick()
    assert desk.records(attempt) == ["canceled"]


# -- the core's own parts ----------------------------------------------------------------------------------------------

def test_the_host_follows_the_settings_without_a_restart(desk, settings_of):
    first = desk.core.host
    assert desk.core.host is first
    settings_of(desk.core, api_secret="another")
    assert desk.core.host is not first
    for wrong in ("", "splynx.example"):
        settings_of(desk.core, api_domain=wrong)
        with pytest.raises(ConfigError, match="API domain"):
            _ = desk.core.host


def test_an_installation_is_known_by_eight_digits_of_its_key(desk):
    assert len(desk.core.installation) == 8
    assert desk.core.installation == desk.core.installation
