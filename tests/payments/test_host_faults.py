"""Splynx away, slow or saying no at every call of a charge: no money moves twice, and nothing is lost."""

import pytest

from splynx_ippay.base.errors import AmountChanged, HostRejected, HostUnavailable
from splynx_ippay.payments.models import Booking, State

READ, RECORD = ("GET", "admin/finance/invoices"), ("POST", "admin/finance/bank-statements-records")
FIND, POST = ("GET", "admin/finance/payments"), ("POST", "admin/finance/payments")
CLOSE = ("PUT", "admin/finance/bank-statements-records")
TROUBLES = [{"kind": "http_status", "status": status, "json": True} for status in (401, 403, 404, 422, 429, 500)] + [
    {"kind": "http_status", "status": 404},
    {"kind": "html"}, {"kind": "garbage"}, {"kind": "drop_before"}, {"kind": "drop_after"}, {"kind": "half_answer"},
    {"kind": "reset"}, {"kind": "oversize"}, {"kind": "delay", "seconds": 1}]
IDS = [f"{trouble['kind']}{trouble.get('status', '')}{'-json' if 'json' in trouble else ''}" for trouble in TROUBLES]


def spoil(desk, call, trouble, times=1):
    """The next such calls go wrong; 401 comes twice, since the client signs in anew and repeats."""
    desk.core.host_seconds = 0.5
    times = 2 if trouble.get("status") == 401 else times
    desk.sandbox.fault(server="host", match={"method": call[0], "path": call[1]}, times=times, **trouble)


def warmed_up(desk):
    """A method, and the month's statement opened by an earlier payment."""
    method = desk.saved_card()
    desk.pay(method, desk.topup(1000))
    return method, desk.invoice()


@pytest.mark.parametrize("trouble", TROUBLES, ids=IDS)
def test_no_answer_about_what_is_due_is_no_payment(desk, sandbox, trouble):
    method, item = warmed_up(desk)
    spoil(desk, READ, trouble)
    try:
        attempt = desk.pay(method, item)
    except (HostUnavailable, HostRejected, AmountChanged):
        attempt = desk.attempts()[-1]
        assert attempt.state == State.ABANDONED
        assert len(sandbox.sales()) == 1
        sandbox.clear_faults()
        attempt = desk.pay(method, item)
    # A GET may be repeated after a broken connection; then the payment simply went on.
    assert (attempt.state, attempt.lines[0].booking) == (State.APPROVED, Booking.POSTED)
    assert len(sandbox.sales()) == 2


@pytest.mark.parametrize("trouble", TROUBLES, ids=IDS)
def test_the_journal_never_moves_money_and_never_loses_any(desk, sandbox, trouble):
    method, item = warmed_up(desk)
    spoil(desk, RECORD, trouble)
    try:
        attempt = desk.pay(method, item)
    except HostUnavailable:
        assert desk.attempts()[-1].state == State.ABANDONED
        assert len(sandbox.sales()) == 1
        sandbox.clear_faults()
        attempt = desk.pay(method, item)
    assert (attempt.state, attempt.lines[0].booking) == (State.APPROVED, Booking.POSTED)
    assert len(sandbox.sales()) == 2
    assert len(desk.payments_of(attempt)) == 1


@pytest.mark.parametrize("call", [FIND, POST], ids=["find", "post"])
@pytest.mark.parametrize("trouble", TROUBLES, ids=IDS)
def test_an_approved_payment_reaches_the_host_once_whatever_happens(desk, sandbox, call, trouble):
    method, item = warmed_up(desk)
    spoil(desk, call, trouble)
    attempt = desk.pay(method, item)
    assert attempt.state == State.APPROVED
    sandbox.clear_faults()
    for _ in range(4):
        desk.tick(seconds=660)
    line = desk.line(attempt)
    assert line.booking == Booking.POSTED
    assert len(desk.payments_of(attempt)) == 1
    assert line.splynx_payment_id == int(desk.payments_of(attempt)[0]["id"])
    assert desk.records(attempt) == ["processed"]
    assert len(sandbox.sales()) == 2


@pytest.mark.parametrize("trouble", TROUBLES, ids=IDS)
def test_the_journal_is_told_the_end_later(desk, sandbox, trouble):
    method, item = warmed_up(desk)
    spoil(desk, CLOSE, trouble)
    attempt = desk.pay(method, item)
    assert attempt.lines[0].booking == Booking.POSTED
    sandbox.clear_faults()
    desk.tick(seconds=660)
    if trouble.get("status") not in (404, 422):  # staff removed or closed the record
        assert desk.records(attempt) == ["processed"]
    assert desk.line(attempt).statement_next_at is None


def test_a_host_that_cannot_be_reached_takes_no_payments(desk, sandbox):
    method, item = desk.saved_card(), desk.invoice()
    sandbox.fault(server="host", kind="refuse")
    with pytest.raises(HostUnavailable):
        desk.pay(method, item)
    sandbox.clear_faults()
    assert desk.attempts()[0].state == State.ABANDONED
    assert sandbox.sales() == []


def lost_record(desk, sandbox, kind):
    """A payment given up because the host did not answer about its statement record; the attempt."""
    method, item = warmed_up(desk)
    sandbox.fault(server="host", kind=kind, match={"method": RECORD[0], "path": RECORD[1]}, times=1)
    with pytest.raises(HostUnavailable):
        desk.pay(method, item)
    sandbox.clear_faults()
    return desk.attempts()[-1]


def test_a_statement_record_whose_answer_was_lost_is_found_and_closed(desk, sandbox):
    attempt = lost_record(desk, sandbox, "drop_after")
    assert (attempt.state, desk.records(attempt)) == (State.ABANDONED, ["new"])
    sandbox.fault(server="host", kind="http_status", status=500, match={"method": "GET", "path": RECORD[1]}, times=9)
    desk.tick()
    sandbox.clear_faults()
    desk.tick(seconds=660)
    desk.tick()
    assert desk.records(attempt) == ["canceled"]
    assert desk.line(attempt).statement_next_at is None


def test_a_statement_record_that_never_arrived_is_looked_for_an_hour(desk, sandbox):
    attempt = lost_record(desk, sandbox, "drop_before")
    for _ in range(5):
        desk.tick(seconds=660)
        assert desk.line(attempt).statement_next_at is not None
    desk.tick(seconds=660)
    assert (desk.line(attempt).statement_status, desk.line(attempt).statement_next_at) == ("refused", None)
    assert desk.records(attempt) == []
