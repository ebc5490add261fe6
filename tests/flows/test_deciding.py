"""People decide what became of a payment nobody could find out about: not taken, by two; taken, by one; and on facts."""

import pytest

LOOKED = {"evidence": "console", "reference": "page 7", "reason": "looked it up in IPpay's own pages"}


@pytest.fixture
def no_reports(town, settings_of):
    """The ISP has no reporting login."""
    settings_of(town.core, reporting_merchant_id="")


def after_a_day(town, john, staff, kind, enq):
    """John's answer is lost and nobody can find out; a day later staff find it in their list. The payment's page."""
    town.sandbox.control("POST", "gateway", {"enq": enq})
    town.sandbox.fault(server="gateway", kind=kind, match={"type": "SALE"}, times=1)
    [invoice, *_] = town.invoices()
    assert town.pay(john, invoice).says("Please do not pay again")
    for _ in range(2):
        town.sandbox.jump(days=1)
        town.tick()
    listed = staff.get("/ippay/admin/review")
    assert listed.says("Needs a decision", "John Sway", "What became of it?", invoice["number"])
    return invoice, staff.click(listed, "/ippay/admin/payments/")


def decide(person, page, target, **fields):
    return person.submit(page, "/decide", **(LOOKED | {"target": target} | fields))


def test_two_people_say_not_taken_and_the_customer_pays_once(town, john, staff, second_staff, no_reports):
    invoice, page = after_a_day(town, john, staff, "drop_before", enq=False)
    page = staff.submit(page, "/ask")
    assert page.says("That alone does not prove that nothing was taken.", "There is no reporting login", "Shows no payment for this charge.",
                     f"{invoice['number']} is open, $15.00 due.")
    page = decide(staff, page, "abandoned")
    assert page.says("Proposed. A second person must confirm it", "You proposed it, so somebody else has to confirm.")
    assert town.dialog(john, invoice).says("It is already being paid in the portal")
    assert "I have looked, too" not in page.text
    same = second_staff.get("/ippay/admin/review")
    assert same.says("A second person must confirm")
    other = second_staff.click(same, "/ippay/admin/payments/")
    assert other.says("Ada Min", "super-administrator", "page 7", "It never reached IPpay: the money was not taken")
    done = second_staff.submit(other, "/confirm")
    assert done.says("Decided. It is done", "Not sent", "Second person", "Cleo Reck")
    assert town.sales() == []
    assert town.pay(john, invoice).says("Success")
    assert town.sales() == [("SALE", round(float(invoice["due"]) * 100))]
    assert [row[0] for row in town.booked()] == [int(invoice["id"])]
    assert staff.get("/ippay/admin/review").says("Nothing waits for a person.")


def test_one_person_says_taken_and_it_is_booked_once_with_a_receipt(town, john, staff, no_reports):
    invoice, page = after_a_day(town, john, staff, "drop_after", enq=True)
    page = staff.submit(page, "/ask")
    assert page.says("The money was taken.")
    assert "the money was not taken" not in page.text  # IPpay says otherwise
    page = decide(staff, page, "approved")
    assert page.says("Decided. It is done", "Recorded in Splynx")
    town.tick()
    assert [row[0] for row in town.booked()] == [int(invoice["id"])]
    assert len(town.sales()) == 1
    assert town.sandbox.invoice(invoice["id"])["status"] == "paid"


def test_the_same_form_twice_and_an_old_form_decide_once(town, john, staff, no_reports):
    _invoice, page = after_a_day(town, john, staff, "drop_after", enq=True)
    first, second = decide(staff, page, "approved"), decide(staff, page, "approved")
    assert first.url == second.url
    assert second.says("Decided. It is done")
    assert len(town.booked()) == 1


def test_a_payment_deleted_in_splynx_is_posted_again_from_its_page(town, john, staff):
    [invoice, *_] = town.invoices()
    town.pay(john, invoice)
    [payment] = [row for row in town.sandbox.payments() if int(row["id"]) not in town.before]
    town.office.delete(f"admin/finance/payments/{payment['id']}")
    town.tick("missing")
    page = staff.click(staff.get("/ippay/admin/review"), "/ippay/admin/payments/")
    assert page.says("was deleted in Splynx", "What is to stand in Splynx?")
    wrong = staff.submit(page, "/lines/", **(LOOKED | {"target": "posted", "evidence": "host", "payment_id": "many"}))
    assert wrong.status_code == 400
    assert wrong.says("The ID of a payment is a whole number.")
    wrong = staff.submit(page, "/lines/", **(LOOKED | {"target": "posted", "evidence": "host"}))
    assert wrong.says("Splynx shows no payment for this charge.")
    done = staff.submit(wrong, "/lines/", **(LOOKED | {"target": "due", "evidence": "host"}))
    assert done.says("Decided. It is done")
    assert [row[0] for row in town.booked()] == [int(invoice["id"])]
    assert len(town.sales()) == 1
