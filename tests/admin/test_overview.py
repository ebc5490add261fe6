"""Pictures made by the server: what they show is what their tables and the ledger say."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from defusedxml import ElementTree
from sqlalchemy import update

from splynx_ippay import credentials
from splynx_ippay.admin import pictures
from splynx_ippay.admin.pictures import Part
from splynx_ippay.base import clock
from splynx_ippay.base.money import Money
from splynx_ippay.payments import charge
from splynx_ippay.payments.models import Attempt, Door
from splynx_ippay.payments.orders import Item, Order, SavedMethod, new_submission_key
from splynx_ippay.runs import plan, work
from splynx_ippay.runs.filters import Filters

JOHN, OBRIEN, ASHLEY = 1, 2, 3


@pytest.fixture
def pay(core):
    """``pay(cents)``: money added by the first customer; a sum ending in 05 is declined by the sandbox."""
    def take(method, cents):
        return charge.take(core, Order(
            door=Door.STAFF, customer_id=JOHN, partner_id=1, source=SavedMethod(method.id), actor="test",
            items=(Item("topup", None, "", Money(cents, "USD")),), submission_key=new_submission_key()))

    return take


def drawings(page):
    """Every picture of a page, as XML."""
    return [ElementTree.fromstring(text) for text in re.findall(r"<svg.*?</svg>", page.text, re.DOTALL)]


def rects(svg):
    return [shape for shape in svg.iter() if shape.tag.endswith("rect")]


def test_money_in_by_day_and_declines_by_reason_are_shown_with_their_tables(staff, core, give_card, pay):
    method = give_card(JOHN)
    yesterday = pay(method, 2500)
    pay(method, 1000)
    pay(method, 1005)
    core.database.run(lambda session: session.execute(update(Attempt).where(Attempt.id == yesterday.id).values(
        created_at=clock.now() - timedelta(days=1))))
    page = staff.get("/ippay/admin/overview?days=14")
    assert page.says("Money in by day", "$35.00", "Declines by reason", "005", "Do not honor")
    assert page.text.count('class="figures"') == 2, "each picture has its table beside it, on paper too"
    assert "<details" not in page.text
    money, declines = drawings(page)
    heights = [int(rect.get("height")) for rect in rects(money)]
    assert len(heights) == 14
    assert heights[-2] > heights[-1] > 0
    assert set(heights[:-2]) == {0}
    assert len(rects(declines)) == 1


def test_every_picture_has_a_title_and_a_text_for_who_does_not_see_it(staff, give_card, pay):
    pay(give_card(JOHN), 1005)
    for svg in drawings(staff.get("/ippay/admin/overview")):
        named = {child.get("id"): child.text for child in svg if child.get("id")}
        assert svg.get("role") == "img"
        assert all(named[name] for name in svg.get("aria-labelledby").split())
        assert not [shape for shape in svg.iter() if shape.get("style") or shape.tag.endswith("script")]


def test_nothing_taken_is_no_error(staff):
    assert staff.get("/ippay/admin/overview?days=90").says("Nothing was taken in these days.", "Nothing was declined in these days.")
    assert staff.get("/ippay/admin/overview?days=x").status_code == 200


def test_the_overview_asks_three_queries_however_many_payments(staff, core, give_card, pay, counted_queries):
    method = give_card(JOHN)
    for cents in (1000, 1100, 1005, 1205):
        pay(method, cents)
    staff.get("/ippay/admin/overview")
    with counted_queries(core) as seen:
        staff.get("/ippay/admin/overview")
    assert len(seen) == 3, seen.statements


def test_other_partners_money_is_not_in_the_picture(app, core, give_card, pay):
    import hashlib

    pay(give_card(JOHN), 2500)
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["staff"] = {"id": 9, "role": "", "partner_id": 2, "until": (clock.now() + timedelta(minutes=5)).isoformat(),
                         "host": hashlib.sha256(b"").hexdigest()}
    assert "Nothing was taken in these days." in client.get("/ippay/admin/overview").text


def test_a_run_is_a_picture_of_charged_declined_by_reason_and_left_alone(staff, core, sandbox, give_card):
    give_card(JOHN)
    run = plan.plan(core, Filters(), "staff 1")
    assert "The Charge as a picture" not in staff.get(f"/ippay/admin/runs/{run.id}").text
    work.start(core, run.id, run.plan_hash, "staff 1")
    work.execute(core, run.id)
    page = staff.get(f"/ippay/admin/runs/{run.id}")
    assert page.says("The Charge as a picture")
    (svg,) = drawings(page)
    words = " ".join(text.text for text in svg.iter() if text.tag.endswith("text") and text.text)
    shown = work.progress(core, run.id).results
    assert f"Approved: {shown['approved'].count}" in words
    assert f"Left alone by the plan: {shown['skipped'].count}" in words


def test_a_debt_whose_backup_had_its_turn_counts_once_where_it_ended(staff, core, sandbox, give_card, give_bank, settings_of):
    settings_of(core, backup_method="1")
    give_card(OBRIEN)
    bank = give_bank(OBRIEN)
    core.database.run(lambda session: credentials.set_backup(session, bank.id, OBRIEN, wanted=True))
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "005", "times": 99})
    sandbox.control("POST", "answers", {"type": "CHECK", "action_code": "005", "times": 1})
    run = plan.plan(core, Filters(), "staff 1")
    work.start(core, run.id, run.plan_hash, "staff 1")
    for _ in range(3):
        work.tick(core)
    page = staff.get(f"/ippay/admin/runs/{run.id}")
    debts = run.ready_count
    assert page.says("Finished", f"{debts} of {debts} invoices", f"{debts} more tries were declined before the backup method had its turn.")
    (svg,) = drawings(page)
    ended = [text.text for text in svg.iter() if text.tag.endswith("text") and text.text and "Left alone" not in text.text]
    assert len(ended) == 2
    assert sum(int(words.rpartition(": ")[2]) for words in ended) == debts
    assert staff.click(page, f"{debts} more tries").says("Shown: Declined, so the backup method had its turn")


def test_words_in_a_picture_are_shown_as_text():
    svg = pictures.bars("x", "<b>", '"', [Part("</title><script>alert(1)</script>", 1, "&")])
    assert "<script>" not in svg
    assert len(rects(ElementTree.fromstring(str(svg)))) == 1


@pytest.mark.parametrize("draw", [pictures.bars, pictures.columns])
def test_a_picture_of_nothing_is_still_a_picture(draw):
    assert rects(ElementTree.fromstring(str(draw("x", "title", "text", [])))) == []


def test_the_smallest_part_is_still_seen():
    svg = ElementTree.fromstring(str(pictures.bars("x", "title", "text", [Part("a", 1, "1"), Part("b", 100_000, "many")])))
    assert [int(rect.get("width")) for rect in rects(svg)] == [2, pictures.WIDTH]
