"""The way out of REVIEW: the whole square for cards and bank debits, two people where two are needed, nothing twice."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from splynx_ippay.base.errors import AlreadyOpen, BadInput, Stopped
from splynx_ippay.notifications.outbox import OutboxMail
from splynx_ippay.payments import asking, booking, choices, decisions, proposals, states, waiting
from splynx_ippay.payments.decision_models import Decision, Standing
from splynx_ippay.payments.models import Attempt, Booking, DebtKey, Line, State
from splynx_ippay.payments.watch_models import Installation

ANNA, BEN = proposals.Person(1, "staff 1", "administrator"), proposals.Person(2, "staff 2", "financial-manager")
NOT_TAKEN = (State.DECLINED, State.ABANDONED)


def decide(desk, attempt, target, person=ANNA, **changes):
    return decisions.decide(desk.core, person, attempt.id, desk.wish(attempt, target, **changes))


def decide_by_two(desk, attempt, target):
    decision = decide(desk, attempt, target)
    return decisions.confirm(desk.core, BEN, decision.id) if target in NOT_TAKEN else decision


def to_review(desk, attempt, **columns):
    desk.core.database.run(lambda session: states.move(
        session, states.get_attempt(session, attempt.id), State.REVIEW, reason="a person looks", next_check_at=None, **columns))
    return desk.attempt(attempt.id)


def doubtful(desk, *, is_taken, instrument="card", item=None):
    """A payment whose answer was lost, and which nobody could find out about."""
    method = desk.saved_card() if instrument == "card" else desk.saved_bank()
    return to_review(desk, desk.lose_answer(method, item or desk.invoice(), kind="drop_after" if is_taken else "drop_before"))


def keys_of(desk):
    with desk.core.database.read() as session:
        return set(session.scalars(select(DebtKey.open_target).where(DebtKey.open_target.is_not(None))))


def facts(desk, attempt):
    return {fact["what"]: fact["values"] for fact in asking.ask(desk.core, attempt.id, "staff 1")}


# -- the square --------------------------------------------------------------------------------------------------------

# What the gateway did, what is decided, what follows: the state, the line, whether the debt stays held, payments in the host.
SQUARE = {
    ("card", True, State.APPROVED): (State.APPROVED, Booking.POSTED, False, 1),
    ("card", True, State.VOIDED): (State.VOIDED, Booking.NONE, False, 0),
    ("card", False, State.DECLINED): (State.DECLINED, Booking.NONE, False, 0),
    ("card", False, State.ABANDONED): (State.ABANDONED, Booking.NONE, False, 0),
    ("card", True, State.UNKNOWN): (State.UNKNOWN, Booking.NONE, True, 0),
    ("bank", True, State.APPROVED): (State.APPROVED, Booking.POSTED, False, 1),
    ("bank", True, State.ACCEPTED): (State.ACCEPTED, Booking.NONE, True, 0),
    ("bank", True, State.RETURNED): (State.RETURNED, Booking.NONE, False, 0),
    ("bank", True, State.VOIDED): (State.VOIDED, Booking.NONE, False, 0),
    ("bank", False, State.DECLINED): (State.DECLINED, Booking.NONE, False, 0),
    ("bank", False, State.ABANDONED): (State.ABANDONED, Booking.NONE, False, 0),
    ("bank", True, State.UNKNOWN): (State.UNKNOWN, Booking.NONE, True, 0),
}


@pytest.mark.parametrize("case", SQUARE, ids=lambda case: f"{case[0]}-{case[2]}")
def test_every_end_does_to_debt_and_record_what_the_house_says(desk, sandbox, case):
    instrument, is_taken, target = case
    attempt = doubtful(desk, is_taken=is_taken, instrument=instrument)
    if target == State.VOIDED and instrument == "card":
        sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    if target in {State.VOIDED, State.RETURNED} and instrument == "bank":
        sandbox.control("POST", "returns", {"transaction_id": attempt.transaction_id, "code": "R02", "days": 0})
        sandbox.jump(seconds=60)
    decision = decide_by_two(desk, attempt, target)
    after = desk.attempt(attempt.id)
    assert (after.state, after.lines[0].booking, bool(keys_of(desk)), len(desk.payments_of(attempt))) == SQUARE[case]
    assert decision.standing == Standing.APPLIED
    assert after.reason == f"decided by staff 1{' and staff 2' if target in NOT_TAKEN else ''}: seen in IPpay's own pages"
    told = [event.data for event in desk.events(attempt.id) if event.kind == "decision"]
    assert [(one["target"], one["evidence"], one["reference"], one["by"], one["role"]) for one in told] == [
        (target, "console", "page 7", "staff 1", "administrator")]
    assert told[0].get("second") == ("staff 2" if target in NOT_TAKEN else None)


@pytest.mark.parametrize("instrument", ["card", "bank"])
def test_what_makes_no_sense_is_not_offered_and_changes_nothing(desk, instrument):
    attempt = doubtful(desk, is_taken=True, instrument=instrument)
    never = {State.INTENDED, State.REVIEW} | ({State.ACCEPTED, State.RETURNED} if instrument == "card" else set())
    for target in never:
        with pytest.raises(BadInput, match="cannot be decided"):
            decide(desk, attempt, target)
    assert desk.attempt(attempt.id).version == attempt.version


def test_a_payment_that_is_not_in_review_has_nothing_to_decide(desk):
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    with pytest.raises(BadInput, match="cannot be decided"):
        decide(desk, attempt, State.VOIDED)


def test_a_payment_back_in_unknown_is_found_out_by_the_same_rules_and_comes_back_otherwise(desk, sandbox):
    attempt = doubtful(desk, is_taken=True)
    decide(desk, attempt, State.UNKNOWN)
    desk.tick()
    assert (desk.attempt(attempt.id).state, desk.line(attempt).booking) == (State.APPROVED, Booking.POSTED)
    other = doubtful(desk, is_taken=False, item=desk.topup(1200))
    sandbox.jump(days=2)
    decide(desk, other, State.UNKNOWN)
    desk.tick()
    assert desk.attempt(other.id).state in {State.ABANDONED, State.REVIEW}


# -- excess ------------------------------------------------------------------------------------------------------------

def beyond(desk, instrument="card"):
    """A sale given up as not taken, its invoice paid again, and then its answer: taken beyond what was due."""
    item = desk.invoice()
    attempt = doubtful(desk, is_taken=False, instrument=instrument, item=item)
    decide_by_two(desk, attempt, State.ABANDONED)
    assert desk.pay(desk.saved_card(), item).state == State.APPROVED
    desk.core.database.run(lambda session: states.late_evidence(
        session, states.get_attempt(session, attempt.id), reason="an answer arrived late", says_taken=True))
    attempt = desk.attempt(attempt.id)
    assert (attempt.state, attempt.excess) == (State.REVIEW, True)
    return attempt


def test_money_beyond_what_was_due_goes_on_account_and_takes_no_debt(desk, sandbox):
    attempt = beyond(desk)
    decide(desk, attempt, State.APPROVED)
    after = desk.attempt(attempt.id)
    assert (after.state, after.excess, after.lines[0].booking, after.lines[0].on_account) == (State.APPROVED, True, Booking.POSTED, True)
    [payment] = desk.payments_of(attempt)
    assert not int(payment["invoice_id"] or 0)
    assert keys_of(desk) == set()
    assert desk.note().no_auto  # until a person lets it go on


def test_money_beyond_what_was_due_on_its_way_is_posted_on_account_when_it_settles(desk, settings_of):
    attempt = beyond(desk, "bank")
    decide(desk, attempt, State.ACCEPTED)
    assert (desk.line(attempt).booking, desk.line(attempt).on_account) == (Booking.NONE, True)
    settings_of(desk.core, bank_posting="on_acceptance")
    desk.tick()
    assert desk.line(attempt).booking == Booking.POSTED
    assert not int(desk.payments_of(attempt)[0]["invoice_id"] or 0)


def test_excess_that_was_given_back_is_no_excess_any_more(desk):
    attempt = beyond(desk)
    decide(desk, attempt, State.VOIDED)
    after = desk.attempt(attempt.id)
    assert (after.state, after.excess, after.lines[0].booking) == (State.VOIDED, False, Booking.NONE)


def test_excess_that_came_back_holds_no_debt_although_the_bank_may_present_it_again(desk):
    attempt = beyond(desk, "bank")
    decide(desk, attempt, State.RETURNED, return_code="R01")
    assert (desk.attempt(attempt.id).return_code, keys_of(desk)) == ("R01", set())


def test_excess_cannot_go_back_to_unknown_nor_be_called_not_taken(desk):
    attempt = beyond(desk)
    for target in (State.UNKNOWN, *NOT_TAKEN):
        with pytest.raises(BadInput):
            decide(desk, attempt, target)


def test_a_debit_a_person_says_came_back_holds_its_debt_as_the_report_would(desk, sandbox):
    attempt = doubtful(desk, is_taken=True, instrument="bank")
    sandbox.control("POST", "returns", {"transaction_id": attempt.transaction_id, "code": "R01", "days": 0})
    decide(desk, attempt, State.RETURNED, return_code="R01")
    assert keys_of(desk)
    assert desk.line(attempt).hold_until is not None
    assert desk.note().no_auto


# -- what IPpay says itself --------------------------------------------------------------------------------------------

def test_what_the_report_or_an_enquiry_shows_as_taken_is_never_called_not_taken(desk, sandbox):
    attempt = doubtful(desk, is_taken=True)
    said = facts(desk, attempt)
    assert said["enquiry_yes"]["approval"]
    assert "row_credit" in said
    assert desk.attempt(attempt.id).state == State.REVIEW  # asking moves nothing
    for target in NOT_TAKEN:
        with pytest.raises(BadInput):
            decide(desk, attempt, target)


def test_a_sale_of_another_amount_is_never_booked_as_ours(desk, sandbox):
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "010", "booked": True, "amount_cents": 500, "times": 1})
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    assert attempt.state == State.REVIEW
    with desk.core.database.read() as session:
        assert choices.offered(attempt, choices.known_of(session, attempt)) == (State.VOIDED,)


def test_an_enquiry_that_shows_another_amount_says_so(desk, sandbox):
    attempt = doubtful(desk, is_taken=True)
    desk.core.database.run(lambda session: session.execute(update(Attempt).values(amount_cents=Attempt.amount_cents + 1)))
    desk.core.database.run(lambda session: session.execute(update(Line).values(amount_cents=Line.amount_cents + 1)))
    assert "enquiry_amount" in facts(desk, attempt)
    with pytest.raises(BadInput):
        decide(desk, attempt, State.APPROVED)


def test_asking_says_what_nobody_told(desk, sandbox, settings_of):
    attempt = doubtful(desk, is_taken=False)
    assert {"enquiry_other", "report_empty", "host_nothing", "document_open"} <= facts(desk, attempt).keys()
    settings_of(desk.core, enq_trust="off", reporting_merchant_id="")
    assert {"enquiry_off", "report_none"} <= facts(desk, attempt).keys()
    settings_of(desk.core, enq_trust="positive")
    sandbox.fault(server="gateway", kind="drop_before", match={"type": "ENQ"})
    sandbox.fault(server="host", kind="http_status", status=500, match={"method": "GET", "path": "admin/finance/payments"})
    assert {"enquiry_silent", "host_silent"} <= facts(desk, attempt).keys()
    sandbox.clear_faults()
    settings_of(desk.core, terminal_id="OTHER")
    assert facts(desk, attempt)["no_terminal"] == {"terminal": "TESTTERMINAL"}


def test_asking_shows_what_the_host_has_of_a_document_and_of_a_top_up(desk, sandbox):
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    assert facts(desk, attempt)["host_payment"]["id"] == str(desk.line(attempt).splynx_payment_id)
    desk.host_elsewhere("delete", f"admin/finance/payments/{desk.line(attempt).splynx_payment_id}")
    desk.excused.add("lost")
    desk.host_elsewhere("delete", f"admin/finance/invoices/{desk.line(attempt).document_id}")
    assert {"host_deleted", "document_deleted"} <= facts(desk, attempt).keys()
    sandbox.fault(server="host", kind="http_status", json=True, status=404,
                  match={"method": "GET", "path": f"admin/finance/invoices/{desk.line(attempt).document_id}"})
    assert "document_gone" in facts(desk, attempt)
    sandbox.clear_faults()
    topup = doubtful(desk, is_taken=False, item=desk.topup(1500))
    assert not {"document_open", "document_gone"} & facts(desk, topup).keys()


def test_an_unreadable_report_is_told_and_a_bank_debit_is_looked_for_in_its_own_reports(desk, sandbox):
    attempt = doubtful(desk, is_taken=True, instrument="bank")
    sandbox.fault(server="gateway", kind="http_status", status=500, match={"path": "/ippayReport/"}, times=1)
    assert "report_unread" in facts(desk, attempt)
    sandbox.jump(days=6)
    assert {"row_ach", "row_achsettlement"} <= facts(desk, attempt).keys()


def test_asking_about_an_unknown_payment_follows_the_rules_of_reconcile(desk, sandbox, settings_of):
    attempt = desk.lose_answer(desk.saved_card(), desk.invoice())
    settings_of(desk.core, terminal_id="OTHER")
    facts(desk, attempt)
    assert desk.attempt(attempt.id).state == State.UNKNOWN
    settings_of(desk.core, terminal_id="TESTTERMINAL")
    facts(desk, attempt)
    assert (desk.attempt(attempt.id).state, desk.line(attempt).booking) == (State.APPROVED, Booking.POSTED)


# -- two people --------------------------------------------------------------------------------------------------------

def test_nobody_confirms_a_proposal_of_their_own_not_even_from_another_session(desk):
    attempt = doubtful(desk, is_taken=False)
    decision = decide(desk, attempt, State.ABANDONED)
    assert (decision.standing, desk.attempt(attempt.id).state) == (Standing.OPEN, State.REVIEW)
    with pytest.raises(BadInput, match="of their own"):
        decisions.confirm(desk.core, proposals.Person(ANNA.id, "another name", "another-role"), decision.id)
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert keys_of(desk)


def test_a_second_confirmation_and_a_second_press_change_nothing(desk):
    attempt = doubtful(desk, is_taken=False)
    form = desk.wish(attempt, State.ABANDONED)
    first = decisions.decide(desk.core, ANNA, attempt.id, form)
    assert decisions.decide(desk.core, ANNA, attempt.id, form).id == first.id
    assert desk.core.database.run(lambda session: decisions._decide(session, attempt.id, ANNA, form)).id == first.id
    for person in (BEN, BEN, ANNA):
        assert decisions.confirm(desk.core, person, first.id).second == "staff 2"
    assert desk.kinds(attempt).count("decision") == 1
    assert desk.attempt(attempt.id).state == State.ABANDONED


def test_confirmations_at_the_same_time_have_one_effect(desk):
    attempt = doubtful(desk, is_taken=False)
    decision = decide(desk, attempt, State.DECLINED)
    people = [proposals.Person(number, f"staff {number}", "") for number in range(2, 7)]
    waits = [desk.in_background(lambda one=person: decisions.confirm(desk.core, one, decision.id)) for person in people]
    assert {outcome().second for outcome in waits} <= {person.name for person in people}
    assert desk.kinds(attempt).count("decided") == desk.kinds(attempt).count("decision") == 1


def test_a_new_event_makes_a_proposal_stale_and_it_must_be_made_anew(desk):
    attempt = doubtful(desk, is_taken=False)
    decision = decide(desk, attempt, State.ABANDONED)
    desk.core.database.run(lambda session: states.late_evidence(
        session, states.get_attempt(session, attempt.id), reason="an answer arrived late", says_taken=False))
    with pytest.raises(BadInput, match="Something new"):
        decisions.confirm(desk.core, BEN, decision.id)
    with pytest.raises(BadInput, match="Something new"):
        decisions.confirm(desk.core, BEN, decision.id)
    assert desk.attempt(attempt.id).state == State.REVIEW
    assert desk.kinds(attempt)[-1] == "proposal_stale"
    decide_by_two(desk, attempt, State.ABANDONED)
    assert desk.attempt(attempt.id).state == State.ABANDONED


def test_a_report_read_meanwhile_that_shows_the_sale_makes_confirming_impossible(desk):
    attempt = doubtful(desk, is_taken=True)
    decision = decide(desk, attempt, State.ABANDONED)
    facts(desk, attempt)
    with pytest.raises(BadInput, match="cannot be decided"):
        decisions.confirm(desk.core, BEN, decision.id)
    decisions.withdraw(desk.core, BEN, decision.id)
    decide(desk, attempt, State.APPROVED)
    assert len(desk.payments_of(attempt)) == 1


def test_a_proposal_nobody_confirms_in_a_week_has_ended(desk, sandbox):
    attempt = doubtful(desk, is_taken=False)
    decision = decide(desk, attempt, State.ABANDONED)
    with desk.core.database.read() as session:
        assert proposals.find_open(session, attempt.id).id == decision.id
    with pytest.raises(BadInput, match="waits for its second person"):
        decide(desk, attempt, State.APPROVED)
    sandbox.jump(days=8)
    with desk.core.database.read() as session:
        assert proposals.find_open(session, attempt.id) is None
    again = decide(desk, attempt, State.DECLINED)  # ends the old one
    assert desk.kinds(attempt)[-2:] == ["proposal_expired", "proposed"]
    with pytest.raises(BadInput, match="has ended"):
        decisions.confirm(desk.core, BEN, decision.id)
    assert decisions.confirm(desk.core, BEN, again.id).standing == Standing.APPLIED


def test_a_proposal_can_be_taken_back_once(desk):
    attempt = doubtful(desk, is_taken=False)
    decision = decide(desk, attempt, State.ABANDONED)
    for person in (ANNA, BEN):
        ended = decisions.withdraw(desk.core, person, decision.id)
        assert (ended.standing, ended.second) == (Standing.WITHDRAWN, "staff 1")
    with pytest.raises(BadInput, match="has ended"):
        decisions.confirm(desk.core, BEN, decision.id)
    with pytest.raises(BadInput, match="has ended"):
        decisions.withdraw(desk.core, BEN, 999)
    assert desk.attempt(attempt.id).state == State.REVIEW


def test_a_form_shown_before_something_happened_decides_nothing(desk):
    attempt = doubtful(desk, is_taken=True)
    with pytest.raises(BadInput, match="Something new"):
        decide(desk, attempt, State.APPROVED, seen=1)
    assert desk.attempt(attempt.id).state == State.REVIEW


@pytest.mark.parametrize(("field", "value"), [("target", ""), ("evidence", "a dream"), ("reference", " "), ("reference", "x" * 81), ("reason", "so"),
                                              ("reason", "x" * 501), ("return_code", "X1")])
def test_a_decision_without_evidence_and_reason_is_none(desk, field, value):
    attempt = doubtful(desk, is_taken=True)
    with pytest.raises(BadInput) as wrong:
        decide(desk, attempt, **({"target": State.APPROVED} | {field: value}))
    assert wrong.value.field == field


def test_in_quarantine_nothing_is_decided(desk, core):
    attempt = doubtful(desk, is_taken=True)
    form = desk.wish(attempt, State.APPROVED)
    core.database.run(lambda session: session.execute(update(Installation).values(quarantined_at=attempt.created_at, reason="old")))
    with pytest.raises(Stopped):
        decisions.decide(core, ANNA, attempt.id, form)


# -- what follows ------------------------------------------------------------------------------------------------------

def test_a_sale_decided_as_taken_is_not_asked_about_again_for_want_of_a_settlement(desk, sandbox):
    from splynx_ippay.payments import settlement

    attempt = desk.pay(desk.saved_card(), desk.invoice())
    to_review(desk, attempt)
    decide(desk, attempt, State.APPROVED)
    assert desk.line(attempt).booking == Booking.POSTED
    sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    sandbox.jump(days=1)
    desk.pay(desk.saved_card(), desk.topup(1500))
    sandbox.jump(days=7)
    settlement.tick(desk.core)
    assert desk.attempt(attempt.id).state == State.APPROVED


def test_a_sale_said_to_be_given_back_that_settles_afterwards_comes_back_to_a_person(desk, sandbox):
    from splynx_ippay.payments import settlement

    attempt = doubtful(desk, is_taken=True)
    decide(desk, attempt, State.VOIDED)
    assert settlement.tick(desk.core) == 0
    sandbox.jump(days=3)
    assert settlement.tick(desk.core) == 1
    after = desk.attempt(attempt.id)
    assert (after.state, after.excess) == (State.REVIEW, True)
    assert settlement.tick(desk.core) == 0
    decide(desk, attempt, State.APPROVED)
    assert len(desk.payments_of(attempt)) == 1


def test_a_posted_sale_that_people_call_never_taken_goes_out_of_the_host(desk, sandbox):
    attempt = desk.pay(desk.saved_card(), desk.invoice())
    sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    to_review(desk, attempt, action_code="")
    decide_by_two(desk, attempt, State.DECLINED)
    assert (desk.line(attempt).booking, desk.payments_of(attempt)) == (Booking.UNDONE, [])
    assert sandbox.invoice(attempt.lines[0].document_id)["status"] == "not_paid"


def test_a_debit_looked_up_by_a_person_has_its_seven_days_anew(desk, sandbox):
    attempt = doubtful(desk, is_taken=False, instrument="bank")
    sandbox.jump(days=20)
    decide(desk, attempt, State.ACCEPTED)
    desk.tick(days=3)
    assert desk.attempt(attempt.id).state == State.ACCEPTED
    desk.tick(days=12)
    assert desk.attempt(attempt.id).state == State.REVIEW


def test_a_returned_debit_that_settled_after_all_is_posted_again_after_a_look_at_the_host(desk, settings_of):
    from splynx_ippay.payments import line_decisions

    settings_of(desk.core, bank_posting="on_acceptance")
    attempt = desk.pay(desk.saved_bank(), desk.invoice())
    desk.core.database.run(lambda session: states.move(
        session, states.get_attempt(session, attempt.id), State.RETURNED, reason="a test"))
    booking.tick(desk.core)
    assert desk.line(attempt).booking == Booking.UNDONE
    to_review(desk, attempt)
    decide(desk, attempt, State.APPROVED)
    line = desk.line(attempt)
    assert (line.booking, desk.payments_of(attempt)) == (Booking.REVIEW, [])
    line_decisions.decide(desk.core, ANNA, line.id, desk.wish(attempt, Booking.DUE, evidence="host"))
    assert (desk.line(attempt).booking, len(desk.payments_of(attempt))) == (Booking.POSTED, 1)


def test_the_customer_can_pay_again_only_after_two_people_said_not_taken(desk, sandbox):
    item, method = desk.invoice(), desk.saved_card()
    attempt = doubtful(desk, is_taken=False, item=item)
    with pytest.raises(AlreadyOpen):
        desk.pay(method, item)
    decision = decide(desk, attempt, State.ABANDONED)
    with pytest.raises(AlreadyOpen):
        desk.pay(method, item)
    decisions.confirm(desk.core, BEN, decision.id)
    assert desk.pay(method, item).state == State.APPROVED
    assert len(sandbox.sales()) == 1


# -- the list ----------------------------------------------------------------------------------------------------------

def listed(desk, partner_id=None):
    with desk.core.database.read() as session:
        return [(one.kind, one.attempt.id, one.held, one.proposal is not None) for one in waiting.everything(session, partner_id)]


def test_the_list_names_everything_that_waits_for_a_person(desk, sandbox, settings_of):
    review = doubtful(desk, is_taken=False)
    held = (f"invoice:{review.lines[0].document_id}",)
    unknown = desk.lose_answer(desk.saved_card(), desk.topup(1500), kind="drop_before")
    gone = desk.pay(desk.saved_card(2), desk.topup(1600), customer_id=2)
    desk.core.database.run(lambda session: states.move_booking(session, session.get_one(Line, gone.lines[0].id), Booking.REVIEW))
    assert sorted(listed(desk)) == [("attempt", review.id, held, False), ("line", gone.id, (), False)]
    decision = decide(desk, review, State.ABANDONED)
    assert ("attempt", review.id, held, True) in listed(desk)
    sandbox.jump(seconds=3700)
    assert ("unknown", unknown.id, ("topup:1",), False) in listed(desk)
    assert listed(desk, 99) == []
    with desk.core.database.read() as session:
        assert waiting.overdue(session) == []
    sandbox.jump(days=1)
    with desk.core.database.read() as session:
        assert len(waiting.overdue(session)) == 3
    desk.core.database.run(lambda session: session.execute(update(Decision).where(Decision.id == decision.id).values(basis_seq=0)))
    assert ("attempt", review.id, held, False) in listed(desk)


def test_a_payment_that_staff_must_take_back_by_hand_is_a_task_in_the_list(desk, sandbox, settings_of):
    settings_of(desk.core, bank_posting="on_acceptance", undo_days="0")
    attempt = desk.pay(desk.saved_bank(), desk.invoice())
    sandbox.jump(days=3)
    desk.core.database.run(lambda session: states.move(
        session, states.get_attempt(session, attempt.id), State.RETURNED, reason="a test"))
    booking.tick(desk.core)
    with desk.core.database.read() as session:
        [task] = waiting.everything(session)
    assert (task.kind, task.line.id) == ("task", attempt.lines[0].id)
    assert "Book a negative payment" in task.why
    assert task.since > task.attempt.created_at + timedelta(days=2)


@pytest.mark.parametrize(("is_taken", "target", "mail"), [(True, State.APPROVED, "paid"), (False, State.ABANDONED, "not_taken"),
                                                          (True, State.VOIDED, "cancelled")])
def test_whoever_was_asked_to_wait_is_told_the_end_by_one_mail(desk, core, sandbox, is_taken, target, mail):
    attempt = doubtful(desk, is_taken=is_taken)
    if target == State.VOIDED:
        sandbox.control("POST", "autovoid", {"transaction_id": attempt.transaction_id})
    decide_by_two(desk, attempt, target)
    with core.database.read() as session:
        assert [one.kind for one in session.scalars(select(OutboxMail).where(OutboxMail.attempt_id == attempt.id))] == [mail]
