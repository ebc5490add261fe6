"""Several documents in one payment, a part of one, and amounts to tap."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import select

from splynx_ippay.base.money import Money
from splynx_ippay.payments.models import Attempt
from splynx_ippay.splynx.resources import PaymentDraft

JOHN = 1


def attempts(core):
    with core.database.read() as session:
        return list(session.scalars(select(Attempt).order_by(Attempt.id)))


def cents(text):
    return Money.from_host(text, "USD").cents


def pay_elsewhere(core, invoice, amount):
    core.host.post_payment(PaymentDraft(customer_id=JOHN, amount=Money(amount, "USD"), date=date.today(), payment_type=1,
                                        invoice_id=int(invoice["id"]), comment="cash", field_1="", field_2=""))


@pytest.fixture
def debts(sandbox, registered_core):
    """Two more invoices for the first customer; everything unpaid, oldest first."""
    from splynx_ippay.splynx.client import SplynxClient

    root = SplynxClient(sandbox.facts["api_url"], sandbox.facts["api_key"], sandbox.facts["api_secret"])
    for total in ("120.00", "33.10"):
        root.post("admin/finance/invoices", {
            "customer_id": JOHN, "date_created": date.today().isoformat(),
            "items": [{"description": "Internet", "quantity": 1, "price": total, "tax": 0}]})
    return sandbox.unpaid_invoices(JOHN)


@pytest.fixture
def parts(core, settings_of):
    """Payments of a part are allowed from $10 on."""
    settings_of(core, part_payments="1", part_minimum="10.00")


def picked(invoices, **sums):
    return "/ippay/pay/selected?" + "&".join(
        [f"pick=invoice-{invoice['id']}" for invoice in invoices] + [f"sum-{name.replace('_', '-')}={value}" for name, value in sums.items()])


def booked(sandbox, attempt):
    return [(int(row["invoice_id"] or 0), cents(row["amount"])) for row in sandbox.payments()
            if str(row["field_1"]).startswith(attempt.transaction_id)]


def test_three_invoices_are_one_sale_and_three_payments_to_the_cent(john, debts, sandbox, core):
    page = john.get("/ippay/pay")
    assert page.says("Oldest first, by the date of the document", *[f"Invoice {invoice['number']}" for invoice in debts])
    page = john.get(picked(debts[:3]))
    total = sum(cents(invoice["due"]) for invoice in debts[:3])
    assert page.says("Total to pay", f"Pay ${total / 100:,.2f}")
    page = john.submit(page, "/ippay/pay/selected")
    assert page.says("approved", f"${total / 100:,.2f}", "3 items", *[invoice["number"] for invoice in debts[:3]])
    [sale] = sandbox.sales()
    assert sale["amount_cents"] == total
    [attempt] = attempts(core)
    assert booked(sandbox, attempt) == [(int(invoice["id"]), cents(invoice["due"])) for invoice in debts[:3]]
    assert {sandbox.invoice(invoice["id"])["status"] for invoice in debts[:3]} == {"paid"}


def test_everything_that_is_open_is_paid_at_two_presses_proformas_too(john, debts, sandbox):
    page = john.get("/ippay/pay")
    assert page.says("Continue")
    assert not page.says("Pay all")  # it would do the same
    page = john.submit(page, "/ippay/pay/selected")
    assert page.says("Proforma invoice", "Total to pay")
    assert john.submit(page, "/ippay/pay/selected").says("approved")
    assert sandbox.unpaid_invoices(JOHN) == []
    assert len(sandbox.sales()) == 1
    assert john.get("/ippay/pay").says("You have no unpaid invoices. Thank you!")


def test_the_list_and_the_sum_cost_two_host_calls_and_the_same_queries_for_many(john, debts, sandbox, core, counted_queries):
    for path in ("/ippay/pay", picked(debts)):
        sandbox.reset_counters()
        with counted_queries(core) as seen:
            assert john.get(path).status_code == 200
        assert sum(sandbox.counters()["host"].values()) <= 2, path
        assert len(seen) <= 4, seen.statements


def test_twenty_presses_at_once_are_one_sale(john, debts, sandbox, core):
    page = john.get(picked(debts[:3]))
    values = page.form("/ippay/pay/selected").values({})
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: john.post("/ippay/pay/selected", values), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(sandbox.sales()) == 1
    assert len(attempts(core)) == 1


def test_two_carts_that_share_an_invoice_never_pay_it_twice(john, debts, sandbox):
    first, second = john.get(picked(debts[:2])), john.get(picked(debts[1:3]))
    assert john.submit(first, "/ippay/pay/selected").says("approved")
    page = john.submit(second, "/ippay/pay/selected")
    assert page.status_code == 409
    assert page.says("What is due has changed", "Nothing was charged", f"Invoice {debts[2]['number']}")
    assert not page.says(f"Invoice {debts[1]['number']}")
    assert len(sandbox.sales()) == 1


def test_an_amount_that_changed_meanwhile_is_not_charged(john, debts, core, sandbox):
    page = john.get(picked(debts[:2]))
    pay_elsewhere(core, debts[0], 500)
    page = john.submit(page, "/ippay/pay/selected")
    assert page.status_code == 409
    assert page.says("What is due has changed", f"Rest of ${cents(debts[0]['total']) / 100:,.2f}")
    assert sandbox.sales() == []
    assert [attempt.state for attempt in attempts(core)] == ["abandoned"]


def test_what_is_being_paid_already_says_so_and_cannot_be_picked(portal, add_bank, debts, sandbox):
    add_bank(portal)
    portal.submit(portal.get(f"/ippay/pay-invoice?item_id={debts[0]['number']}"), "/ippay/pay-invoice")
    page = portal.get("/ippay/pay")
    assert page.says("It is already being paid in the portal, since", "Show that payment")
    assert f'value="invoice-{debts[0]["id"]}"' not in page.text
    page = portal.get(picked(debts[:1]))
    assert page.status_code == 400
    assert page.says("Choose what you want to pay.")


def test_a_declined_payment_of_several_offers_the_same_again(john, debts, sandbox, parts):
    small, large = debts[0], next(invoice for invoice in debts if cents(invoice["due"]) == 12000)
    rest = cents(small["due"])
    sum_of_large = f"{(2051 - rest % 100 + 5000) // 100}.{(51 - rest % 100) % 100:02d}"
    page = john.get(picked([small, large], **{f"invoice_{large['id']}": sum_of_large}))
    page = john.submit(page, "/ippay/pay/selected")
    assert page.says("declined")
    again = john.click(page, "Use another card or account")
    assert again.says(small["number"], large["number"], f"${float(sum_of_large):,.2f}")
    assert sandbox.sales() == []


@pytest.mark.parametrize(("path", "words"), [
    ("/ippay/pay/selected", "Choose what you want to pay."),
    ("/ippay/pay/selected?pick=invoice-999999", "Choose what you want to pay."),
    ("/ippay/pay/selected?pick=%00&lump=%ef%bc%92", "in digits"),
])
def test_an_address_that_picks_nothing_payable_shows_the_list_with_the_reason(john, debts, parts, path, words):
    page = john.get(path)
    assert page.status_code == 400
    assert page.says(words, f"Invoice {debts[0]['number']}")


def test_every_wrong_sum_is_named_beside_its_own_field(john, debts, parts, sandbox):
    first, second = [invoice for invoice in debts if cents(invoice["due"]) > 1000][:2]
    page = john.get(picked([first, second], **{f"invoice_{first['id']}": "1e3", f"invoice_{second['id']}": "9999"}))
    assert page.status_code == 400
    assert page.says("Enter the amount in digits", "Please enter no more than that.")
    for invoice, typed in ((first, "1e3"), (second, "9999")):
        assert f'aria-describedby="sum-invoice-{invoice["id"]}-problem"' in page.text
        assert f'value="{typed}"' in page.text


def test_one_amount_pays_the_oldest_first_and_the_rest_is_kept_on_the_account(john, debts, parts, sandbox, core):
    total = sum(cents(invoice["due"]) for invoice in debts)
    proformas = sum(cents(row["total"]) for row in sandbox.ledger()["host"]["requests"]
                    if int(row["customer_id"]) == JOHN and row["status"] == "not_paid")
    page = john.get(f"/ippay/pay/selected?lump={(total + proformas + 700) / 100:.2f}")
    assert page.says("Kept on your account", "$7.00")
    assert john.submit(page, "/ippay/pay/selected").says("approved", "Money added to your account: $7.00")
    assert sandbox.unpaid_invoices(JOHN) == []
    [attempt] = attempts(core)
    assert sum(amount for _, amount in booked(sandbox, attempt)) == attempt.amount_cents == sandbox.sales()[0]["amount_cents"]
    assert (0, 700) in booked(sandbox, attempt)


def test_with_one_smaller_amount_the_last_invoice_is_paid_in_part(john, debts, parts, sandbox, core):
    first, second = debts[0], debts[1]
    lump = cents(first["due"]) + 1000
    page = john.submit(john.get(f"/ippay/pay/selected?lump={lump / 100:.2f}"), "/ippay/pay/selected")
    assert page.says("approved")
    [attempt] = attempts(core)
    assert booked(sandbox, attempt) == [(int(first["id"]), cents(first["due"])), (int(second["id"]), 1000)]


def test_one_amount_that_would_leave_a_few_cents_of_an_invoice_leaves_enough_to_be_paid(john, debts, parts, sandbox, core):
    first, second = debts[0], debts[1]
    lump = cents(first["due"]) + cents(second["due"]) - 40
    page = john.submit(john.get(f"/ippay/pay/selected?lump={lump / 100:.2f}"), "/ippay/pay/selected")
    assert page.says("approved", "Money added to your account: $0.60")
    [attempt] = attempts(core)
    assert (int(second["id"]), cents(second["due"]) - 100) in booked(sandbox, attempt)


def test_a_part_of_an_invoice_leaves_the_rest_due_and_the_next_page_asks_for_it(john, debts, parts, sandbox):
    invoice = next(invoice for invoice in debts if cents(invoice["due"]) == 12000)
    path = f"/ippay/pay-invoice?item_id={invoice['number']}"
    page = john.get(path)
    assert page.says("How much of it to pay now", "at least $10.00", "$120.00")
    page = john.submit(page, "/ippay/pay-invoice", amount="50.00")
    assert page.says("approved", "$50.00")
    assert cents(sandbox.invoice(invoice["id"])["due"]) == 7000
    assert john.get(path).says("Total to pay", "$70.00")
    assert john.submit(john.get(path), "/ippay/pay-invoice").says("approved", "$70.00")
    assert sandbox.invoice(invoice["id"])["status"] == "paid"


@pytest.mark.parametrize(("typed", "words"), [
    ("9.99", "The smallest part that can be paid is $10.00."), ("120.01", "Only $120.00 is due."), ("0", "more than zero"),
    ("1e2", "in digits"), ("１２", "in digits"), ("119.50", "Only $0.50 would be left"), ("50.005", "too many decimals"),
])
def test_impossible_parts_are_refused_in_words(*, john, debts, parts, sandbox, typed, words):
    invoice = next(invoice for invoice in debts if cents(invoice["due"]) == 12000)
    page = john.submit(john.get(f"/ippay/pay-invoice?item_id={invoice['number']}"), "/ippay/pay-invoice", amount=typed)
    assert page.status_code == 400
    assert page.says(words)
    assert 'aria-describedby="amount-problem' in page.text
    assert f'value="{typed}"' in page.text
    assert sandbox.sales() == []


def test_without_the_setting_only_the_whole_amount_can_be_paid(john, debts, sandbox, core):
    invoice = next(invoice for invoice in debts if cents(invoice["due"]) == 12000)
    page = john.get(f"/ippay/pay-invoice?item_id={invoice['number']}")
    assert not page.says("How much of it to pay now")
    values = page.form("/ippay/pay-invoice").values({})
    assert john.post(page.url, [*values, ("amount", "50.00")]).says("approved", "$120.00")
    assert not john.get("/ippay/pay").says("Pay of it")


def test_a_cart_of_somebody_else_is_refused(john, browser_of, debts, sandbox):
    page = john.get(picked(debts[:2]))
    other = browser_of(2)
    token = other.get("/ippay/credentials").form("/credentials/card").values({})[0][1]
    values = [(name, token if name == "csrf_token" else value) for name, value in page.form("/ippay/pay/selected").values({})]
    answer = other.post("/ippay/pay/selected", values)
    assert answer.status_code == 400
    assert answer.says("This page was open too long")
    assert sandbox.sales() == []


def test_a_cart_with_another_sum_around_its_note_is_refused(john, debts, sandbox):
    page = john.submit(john.get(picked(debts[:2])), "/ippay/pay/selected", amount_cents="100")
    assert page.status_code == 400
    assert page.says("Nothing was charged")
    assert sandbox.sales() == []


def test_amounts_to_tap_are_those_of_the_setting_and_work_without_a_script(john, core, settings_of, sandbox):
    settings_of(core, topup_amounts="50, 25,abc, 0.10, 25")
    page = john.get("/ippay/")
    assert page.says("$25.00", "$50.00")
    assert not page.says("$0.10")
    page = john.click(page, "amount=50.00")
    assert 'value="50.00"' in page.text
    assert john.submit(page, "/ippay/").says("approved", "$50.00")
    settings_of(core, topup_amounts="")
    assert "data-amount" not in john.get("/ippay/").text
