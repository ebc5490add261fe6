"""The breaker of a terminal: when it stops all doors, and how it starts again."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from splynx_ippay.base.errors import GatewayError, OutcomeUnknown, Stopped
from splynx_ippay.payments import breaker, charge, view
from splynx_ippay.payments.models import State


def terminal_of(desk):
    return desk.core.settings.terminal(1)


def test_three_replies_in_a_row_that_are_no_answer_stop_all_doors(desk, sandbox):
    method = desk.saved_card()
    sandbox.fault(server="gateway", kind="html", match={"type": "SALE"}, times=3)
    for position in range(3):
        assert desk.pay(method, desk.invoice(position=position)).state == State.UNKNOWN
    assert "allow-list" in desk.terminal().reason
    for source in (charge.SavedMethod(method.id), desk.new_card()):
        with pytest.raises(Stopped) as caught:
            desk.take(source, desk.topup(1000))
        assert caught.value.reason == "breaker"
    with pytest.raises(Stopped):
        desk.saved_bank()


def test_an_answer_between_starts_the_count_anew(desk, sandbox):
    method = desk.saved_card()
    for times in (2, 2):
        sandbox.fault(server="gateway", kind="http_status", match={"type": "SALE"}, times=times)
        for _ in range(times):
            desk.pay(method, desk.topup(1000))
            desk.core.database.run(lambda session: session.execute(__import__("sqlalchemy").text(
                "UPDATE debt_key SET open_target = NULL")))
        desk.pay(method, desk.topup(1005))
    assert desk.terminal().stopped_at is None
    assert desk.terminal().failures == 0
    desk.core.database.run(lambda session: session.execute(__import__("sqlalchemy").text(
        "UPDATE attempt SET state = 'declined' WHERE state = 'unknown'")))


def test_lost_tokens_count_too(desk, sandbox):
    sandbox.fault(server="gateway", kind="garbage", match={"type": "TOKENIZE"}, times=3)
    for _ in range(3):
        with pytest.raises(OutcomeUnknown):
            desk.saved_card()
    with pytest.raises(Stopped):
        desk.saved_card()


def test_a_time_out_or_a_broken_connection_does_not_count(desk, sandbox):
    sandbox.fault(server="gateway", kind="drop_before", match={"type": "TOKENIZE"}, times=4)
    for _ in range(4):
        with pytest.raises(OutcomeUnknown):
            desk.saved_card()
    assert desk.terminal() is None


def test_a_refusal_of_our_set_up_stops_the_terminal_and_blames_nobody(desk, sandbox):
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "925", "response_text": ""})
    method = desk.saved_card()
    attempt = desk.pay(method, desk.invoice())
    assert (attempt.state, view.ending(attempt).name) == (State.DECLINED, "refused")
    assert "925" in desk.terminal().reason
    with pytest.raises(Stopped):
        desk.pay(method, desk.invoice())


def test_a_ping_and_a_name_release_the_terminal(desk, sandbox):
    desk.core.database.run(lambda session: breaker.stop(session, "TESTTERMINAL", "test", "by hand"))
    desk.core.database.run(lambda session: breaker.stop(session, "TESTTERMINAL", "test", "another reason"))
    assert desk.terminal().reason == "by hand"
    breaker.release(desk.core, terminal_of(desk), by="staff 1 (ada)")
    assert (desk.terminal().stopped_at, desk.terminal().released_by) == (None, "staff 1 (ada)")
    assert sandbox.counters()["gateway"] == {"PING": 1}
    assert desk.pay(desk.saved_card(), desk.invoice()).state == State.APPROVED


def test_without_a_good_ping_it_stays_stopped(desk, sandbox, settings_of):
    desk.core.database.run(lambda session: breaker.stop(session, "TESTTERMINAL", "test", "by hand"))
    sandbox.fault(server="gateway", kind="html", match={"type": "PING"})
    with pytest.raises(GatewayError):
        breaker.release(desk.core, terminal_of(desk), by="staff 1")
    settings_of(desk.core, terminal_id="NOSUCHTERM")
    with pytest.raises(GatewayError, match="stays stopped"):
        breaker.release(desk.core, terminal_of(desk), by="staff 1")
    assert desk.terminal().stopped_at is not None


def test_two_failures_at_one_moment_count_two(desk):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: desk.core.database.run(
            lambda session: breaker.count_failure(session, "TESTTERMINAL", "test", "not_xml")), range(8)))
    assert desk.terminal().failures == 8
