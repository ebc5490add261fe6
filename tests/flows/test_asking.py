"""A Charge is declined for three people; staff ask them by mail; one clicks, pays with another card, and leaves the list."""

from __future__ import annotations

import re

from splynx_ippay.ippay.messages import Card
from splynx_ippay.payments import saving
from splynx_ippay.tasks import TASKS

PEOPLE = ((1, "John Sway"), (2, "O'Brien & Søns <b>"), (3, "Ashley Miller"))


def test_declined_people_are_asked_and_whoever_pays_by_the_link_leaves_the_list(core, web, sandbox, settings_of, staff, make_browser):
    settings_of(core, smtp_host=sandbox.facts["smtp_host"], smtp_port=sandbox.facts["smtp_port"], smtp_tls="none",
                smtp_from="pay@north.example", mail_declines="0", mail_receipts="0")
    for customer_id, _ in PEOPLE:
        saving.save(core, customer_id, 1, Card(number="4111111111111111", exp_month=12, exp_year=2039, holder="Test Payer",
                                               postal_code="80202"), None)
    page = staff.enter_frame(staff.get("/admin/add-on?point=ippay_charge_point"))
    page = staff.submit(page, "/charge", period_from="", period_to="", customer_ids="1, 2, 3")
    count = len([row for row in sandbox.unpaid_invoices() if int(row["customer_id"]) in (1, 2, 3)])
    sandbox.control("POST", "answers", {"type": "SALE", "action_code": "043", "times": count})
    staff.submit(page, "/start", confirm="1")
    TASKS["runs"](core)
    assert sandbox.sales() == []
    failed = staff.get("/ippay/admin/failed")
    assert failed.text.count('data-label="Tries"') == count
    question = staff.submit(failed, "/failed/ask", whom="all")
    assert question.says(f"{count} mails", "customer2@mail.example")
    assert staff.submit(question, "/failed/ask").says(f"{count} mails to customers go out now.")
    TASKS["mails"](core)
    mails = sandbox.control("GET", "mails")["mails"]
    assert sorted({mail["to"] for mail in mails}) == [f"customer{customer_id}@mail.example" for customer_id, _ in PEOPLE]
    assert len(mails) == count
    assert not any(re.search("stolen|lost|fraud", mail["text"], re.IGNORECASE) for mail in mails)
    ashley = next(mail for mail in mails if mail["to"] == "customer3@mail.example")
    holder = make_browser()
    page = holder.get(re.search(r"http\S+/ippay/l/\S+", ashley["text"])[0])
    assert sandbox.sales() == []
    page = holder.submit(page, "/ippay/l/", holding="number", source="card", number="5555555555554444", expiry="12/30",
                         holder="Ashley Miller", cvv="123", save="1")
    assert page.says("approved")
    sale, = sandbox.sales()
    assert sale["order_number"] in ashley["subject"]
    after = staff.get("/ippay/admin/failed")
    assert after.text.count('data-label="Tries"') == count - 1
    assert after.words.count("Asked by mail on") == count - 1
    assert f"Invoice {sale['order_number']}" not in after.words
