"""The panel where people decide: what is shown to whom, mistakes beside their fields, rights, partners, and quarantine."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from splynx_ippay.base import clock
from splynx_ippay.payments import proposals, states
from splynx_ippay.payments.models import Attempt, Booking, Line, State
from splynx_ippay.payments.watch_models import Installation
from splynx_ippay.splynx.client import SplynxClient

JOHN = 1
LOOKED = {"target": "abandoned", "evidence": "console", "reference": "page 7", "reason": "looked it up in IPpay's own pages"}


@pytest.fixture
def doubt(staff, core, sandbox, give_card):
    """A payment nobody could find out about; its id."""
    give_card(JOHN)
    sandbox.fault(server="gateway", kind="drop_before", match={"type": "SALE"}, times=1)
    page = staff.get(f"/ippay/admin/pay-invoice?item_id={sandbox.unpaid_invoices(JOHN)[0]['number']}")
    staff.submit(page, "pay-invoice")
    return core.database.run(lambda session: states.move(
        session, session.get_one(Attempt, 1), State.REVIEW, reason="a day of reports did not tell").id)


def page_of(person, attempt_id):
    return person.get(f"/ippay/admin/payments/{attempt_id}")


def test_the_panel_says_in_plain_words_what_each_choice_will_do(staff, doubt):
    page = page_of(staff, doubt)
    assert page.says("Decide", "Nobody has asked IPpay and Splynx", "The money was taken", "The payment is recorded in Splynx and the invoice "
                     "is paid.", "The invoice becomes payable again. A second person must confirm.", "Where did you look?")


def test_what_is_missing_stands_beside_its_field_and_what_was_typed_stays(staff, doubt):
    wrong = staff.submit(page_of(staff, doubt), "/decide", target="abandoned", reason="a good and long reason", reference="")
    assert wrong.status_code == 400
    assert wrong.says("Say where you have looked.", "Enter where others can find it")
    assert wrong.says("Please correct this:")
    summary = wrong.text[wrong.text.index("data-problems"):wrong.text.index("</ul>")]
    assert [f'id="{field}"' in wrong.text for field in re.findall('href="#([^"]+)"', summary)] == [True, True]
    form = wrong.form("/decide")
    assert dict(form.values({}))["reason"] == "a good and long reason"
    assert staff.submit(wrong, "/decide", **LOOKED).says("Proposed. A second person must confirm it")


def test_a_form_without_anything_decides_nothing(staff, doubt, core):
    form = page_of(staff, doubt).form("/decide")
    token = dict(form.values({}))["csrf_token"]
    answer = staff.post(form.action, {"csrf_token": token} | LOOKED | {"seen": "x"})
    assert answer.status_code == 400
    assert answer.says("Something new was learned about this payment.")
    assert staff.post(form.action, LOOKED).status_code == 400  # without the token of the form


def test_the_own_proposal_cannot_be_confirmed_by_its_address_and_can_be_taken_back(staff, doubt):
    page = staff.submit(page_of(staff, doubt), "/decide", **LOOKED)
    token = dict(page.form("/withdraw").values({}))["csrf_token"]
    answer = staff.post("/ippay/admin/decisions/1/confirm", {"csrf_token": token})
    assert answer.status_code == 400
    assert answer.says("Nobody confirms a proposal of their own")
    assert staff.submit(answer, "/withdraw").says("The proposal was taken back.", "What became of it?")
    assert staff.post("/ippay/admin/decisions/99/confirm", {"csrf_token": token}).status_code == 404


def test_who_confirms_what_has_ended_meanwhile_is_told_so(staff, second_staff, doubt, core):
    staff.submit(page_of(staff, doubt), "/decide", **LOOKED)
    page = page_of(second_staff, doubt)
    core.database.run(lambda session: states.move(session, session.get_one(Attempt, 1), State.VOIDED, reason="a test"))
    answer = second_staff.submit(page, "/confirm")
    assert answer.status_code == 400
    assert answer.says("Something new was learned about this payment.", "Voided")


def test_who_may_only_look_sees_the_facts_and_no_form(staff, doubt, core, settings_of):
    settings_of(core, roles_refund="nobody")
    page = page_of(staff, doubt)
    assert page.says("Your role may look at this, and not decide.")
    assert [form.action for form in page.forms] == []
    settings_of(core, roles_refund="super-administrator")
    staff.submit(page_of(staff, doubt), "/decide", **LOOKED)
    settings_of(core, roles_refund="nobody")
    assert page_of(staff, doubt).says("A second person must confirm")


def test_of_another_partner_nothing_is_shown_or_decided(staff, doubt, core, sandbox):
    form = page_of(staff, doubt).form("/decide")
    office = SplynxClient(sandbox.facts["api_url"], sandbox.facts["api_key"], sandbox.facts["api_secret"])
    core.database.run(lambda session: session.execute(update(Attempt).values(partner_id=2)))
    office.put("admin/administration/administrators/1", {"partner_id": 1})
    sandbox.jump(seconds=3600)
    try:
        assert page_of(staff, doubt).status_code == 404
        values = dict(form.values({})) | LOOKED
        assert staff.post(form.action, values).status_code == 404
        assert staff.get("/ippay/admin/review").says("Nothing waits for a person.")
    finally:
        office.put("admin/administration/administrators/1", {"partner_id": 0})


def test_in_quarantine_the_page_says_what_to_run(staff, doubt, core):
    page = page_of(staff, doubt)
    core.database.run(lambda session: session.execute(update(Installation).values(quarantined_at=clock.now(), reason="an old copy")))
    answer = staff.submit(page, "/decide", **LOOKED)
    assert answer.status_code == 400
    assert answer.says("splynx-ippay recover")


def test_without_splynx_nothing_is_decided_about_its_records(staff, core, sandbox, give_card):
    give_card(JOHN)
    staff.submit(staff.get(f"/ippay/admin/pay-invoice?item_id={sandbox.unpaid_invoices(JOHN)[0]['number']}"), "pay-invoice")
    core.database.run(lambda session: states.move_booking(session, session.get_one(Line, 1), Booking.REVIEW, reason="a person looks"))
    page = page_of(staff, 1)
    form = page.form("/lines/1/decide")
    sandbox.fault(server="host", kind="http_status", status=500, match={"method": "GET", "path": "admin/finance/payments"}, times=9)
    answer = staff.post(form.action, dict(form.values({})) | LOOKED | {"target": "posted", "evidence": "host"})
    assert answer.says("Splynx does not answer just now, so nothing was decided.")
    assert staff.post("/ippay/admin/payments/1/lines/99/decide", dict(form.values({}))).status_code == 404


def test_a_settled_excess_leads_to_where_charges_go_on(staff, doubt, core):
    core.database.run(lambda session: states.stop_automatic(session, JOHN, "money may have been taken twice"))
    page = page_of(staff, doubt)
    assert page.says("When this is settled, let Charges go on there.")
    assert staff.click(page, "/ippay/admin/customers/1").says("Let Charges take from this customer again")


def test_a_fact_of_a_later_version_is_shown_by_its_name():
    from splynx_ippay.admin import decision_words

    assert decision_words.fact({"what": "seen_by_satellite", "values": {}}) == "seen_by_satellite"


def test_every_fact_and_end_has_its_words():
    from splynx_ippay.admin import decision_words
    from splynx_ippay.payments.decision_models import Evidence

    assert {kind.value for kind in Evidence} == decision_words.EVIDENCE.keys()
    assert proposals.SHORTEST_REASON >= 10


def test_the_command_lists_what_waits_and_the_check_calls_it_wrong_after_a_day(core, doubt, sandbox, run_program):
    done = run_program(core, "review", check=False)
    assert done.returncode == 1
    assert "a day of reports did not tell" in done.stdout
    assert "[locks invoice:" in done.stdout
    assert "1 wait(s)" in done.stdout
    assert "Payments that wait for a person\n             For more" not in run_program(core, "check", check=False).stdout
    sandbox.jump(days=2)
    assert "For more than a day a person has been needed" in run_program(core, "check", check=False).stdout
    core.database.run(lambda session: states.move(session, session.get_one(Attempt, 1), State.ABANDONED, reason="a test"))
    assert "nothing waits for a person" in run_program(core, "review").stdout
