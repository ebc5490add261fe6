"""What is asked of the host and how its rows are read; each method is counted in calls."""

from datetime import date
from decimal import Decimal

import pytest

from splynx_ippay.base.errors import HostRejected, HostUnavailable
from splynx_ippay.base.money import Money
from splynx_ippay.splynx.resources import Customer, Payment, PaymentDraft

INVOICE = {"id": 137737, "customer_id": 693, "date_created": "2022-08-19", "date_payment": "0000-00-00",
           "date_till": "2022-08-28", "number": "202201000409", "total": 120.0, "due": 19.99, "payment_id": 0,
           "type": "recurring", "status": "not_paid", "deleted": "0"}
PROFORMA = {"id": "6", "customer_id": "693", "date_created": "2022-08-19", "date_till": None, "number": "2022000006",
            "total": "45.5000", "status": "not_paid", "payment_id": None, "deleted": "0"}
PAYMENT = {"id": 1822, "customer_id": 7332, "invoice_id": 2614, "request_id": None, "payment_type": 1,
           "date": "2022-04-20", "amount": 100, "comment": "c", "field_1": "ABC-1", "field_2": "auth", "deleted": "0"}
CUSTOMER = {"id": 1, "billing_type": "recurring", "partner_id": "2", "location_id": 1, "login": "000001",
            "category": "person", "name": "O'Brien & Søns <b>", "email": "a@b.c", "billing_email": "x@b.c", "phone": "",
            "street_1": "1 Main", "street_2": "Flat 2", "zip_code": "15200", "city": "Town", "status": "active"}
NO_SUCH = (404, {"error": {"message": "Not found"}})


def the_call(small):
    (call,) = small.calls
    return call["method"], call["path"].removeprefix("/api/2.0/admin/"), call["query"], call["body"]


def test_an_invoice_is_read(host, small):
    small.answers = [(200, INVOICE)]
    invoice = host.get_invoice(137737, "USD")
    assert (invoice.total, invoice.due) == (Money(12000, "USD"), Money(1999, "USD"))
    assert (invoice.date_created, invoice.date_till, invoice.date_payment) == (date(2022, 8, 19), date(2022, 8, 28), None)
    assert (invoice.payment_id, invoice.deleted, invoice.number) == (None, False, "202201000409")
    assert the_call(small) == ("GET", "finance/invoices/137737", {}, None)


@pytest.mark.parametrize(("changes", "due", "deleted"), [
    ({"due": None}, 12000, False), ({"due": None, "status": "paid"}, 0, False), ({"due": None, "status": "deleted"}, 0, True),
    ({"due": "0.0000", "status": "paid"}, 0, False), ({"deleted": "1"}, 1999, True), ({"deleted": 1}, 1999, True),
    ({"due": None, "deleted": True}, 0, True)])
def test_what_is_due_on_old_servers_and_on_deleted_invoices(host, small, changes, due, deleted):
    small.answers = [(200, {**INVOICE, **changes})]
    invoice = host.get_invoice(137737, "USD")
    assert (invoice.due.cents, invoice.deleted) == (due, deleted)


@pytest.mark.parametrize("changes", [
    {"id": 5}, {"id": None}, {"id": "x"}, {"id": -1}, {"id": 1.5}, {"id": True}, {"customer_id": 0}, {"total": "x"},
    {"total": None}, {"total": "Infinity"}, {"total": "1e30"}, {"date_created": "soon"}, {"due": ""}])
def test_a_record_that_cannot_be_trusted_is_no_answer(host, small, changes):
    small.answers = [(200, {**INVOICE, **changes})]
    with pytest.raises(HostUnavailable, match="cannot be read"):
        host.get_invoice(137737, "USD")


def test_get_raises_where_there_is_none(host, small):
    small.answers = [NO_SUCH]
    with pytest.raises(HostRejected) as caught:
        host.get_invoice(1, "USD")
    assert caught.value.status == 404


def test_an_invoice_is_found_by_its_exact_number_only(host, small):
    other = {**INVOICE, "id": 1, "number": "9"}
    small.answers = [(200, [other, INVOICE])]
    assert host.find_invoice_by_number("202201000409", "USD").id == 137737
    assert the_call(small)[2]["main_attributes[number]"] == "202201000409"
    small.answers = [(200, [other])]
    assert host.find_invoice_by_number("202201000409", "USD") is None


def test_of_two_invoices_with_one_number_the_living_one_counts(host, small):
    small.answers = [(200, [INVOICE, {**INVOICE, "id": 200000, "deleted": "1"}])]
    assert host.find_invoice_by_number("202201000409", "USD").id == 137737


def test_a_number_of_two_customers_names_nobody_unless_the_customer_is_known(host, small):
    small.answers = [(200, [INVOICE, {**INVOICE, "id": 200000, "customer_id": 5}])] * 2
    assert host.find_invoice_by_number("202201000409", "USD") is None
    assert host.find_invoice_by_number("202201000409", "USD", 693).id == 137737
    assert small.calls[-1]["query"]["main_attributes[customer_id]"] == "693"


def test_unpaid_invoices_are_checked_on_our_side(host, small):
    rows = [INVOICE, {**INVOICE, "id": 2, "customer_id": 5}, {**INVOICE, "id": 3, "status": "paid"},
            {**INVOICE, "id": 4, "deleted": "1"}, {**INVOICE, "id": 5, "due": 0}]
    small.answers = [(200, rows)]
    assert [i.id for i in host.unpaid_invoices(693, "USD")] == [137737]
    query = the_call(small)[2]
    assert (query["main_attributes[customer_id]"], query["main_attributes[status]"]) == ("693", "not_paid")


def test_invoices_that_are_not_paid_are_listed_with_those_whose_payment_is_on_its_way(host, small):
    rows = [INVOICE, {**INVOICE, "id": 2, "customer_id": 5}, {**INVOICE, "id": 3, "status": "paid"},
            {**INVOICE, "id": 4, "deleted": "1"}, {**INVOICE, "id": 5, "due": 0}, {**INVOICE, "id": 6, "status": "pending"}]
    small.answers = [(200, rows)]
    assert [i.id for i in host.open_invoices(693, "USD")] == [137737, 6]


def test_proformas_are_read_found_and_listed(host, small):
    small.answers = [(200, PROFORMA)]
    proforma = host.get_proforma(6, "USD")
    assert (proforma.due, proforma.date_till, proforma.payment_id) == (Money(4550, "USD"), None, None)
    small.answers = [(200, [{**PROFORMA, "status": "paid"}])]
    assert host.find_proforma_by_number("2022000006", "USD").due.cents == 0
    small.answers = [(200, [])]
    assert host.find_proforma_by_number("2022000006", "USD") is None
    small.answers = [(200, [PROFORMA, {**PROFORMA, "id": 7, "status": "paid"}, {**PROFORMA, "id": 8, "customer_id": 1},
                            {**PROFORMA, "id": 9, "deleted": "1"}])]
    assert [p.id for p in host.unpaid_proformas(693, "USD")] == [6]
    assert {call["path"].split("/admin/")[1].split("/6")[0] for call in small.calls} == {"finance/requests"}
    assert len(small.calls) == 4


def test_a_customer_is_read(host, small):
    small.answers = [(200, CUSTOMER)]
    assert host.get_customer(1) == Customer(
        id=1, partner_id=2, location_id=1, name="O'Brien & Søns <b>", email="a@b.c", billing_email="x@b.c")


def test_customers_are_read_eighty_a_call(host, small):
    def answer(handler):
        ids = [int(v) for k, v in small.calls[-1]["query"].items() if k.startswith("main_attributes[id][1]")]
        handler.reply(200, [{**CUSTOMER, "id": i} for i in ids if i != 7] + [{**CUSTOMER, "id": 9999}])
    small.answers = [answer] * 3
    found = host.customers([*range(1, 201), 5, 6])
    assert set(found) == set(range(1, 201)) - {7}
    assert [int(c["query"]["limit"]) for c in small.calls] == [80, 80, 40]
    assert host.customers([]) == {}


def test_billing_tells_the_balance(host, small):
    small.answers = [(200, {"customer_id": 1, "deposit": "-210.0000", "payment_method": "3", "blocking_date": "0000-00-00"})]
    billing = host.customer_billing(1)
    assert (billing.deposit, billing.payment_method, billing.blocking_date) == (Decimal(-210), 3, None)
    small.answers = [(200, {"customer_id": 2, "deposit": "1"})]
    with pytest.raises(HostUnavailable):
        host.customer_billing(1)


def test_names_for_selects(host, small):
    small.answers = [(200, [{"id": 1, "name": "Default"}, {"id": "2", "name": "North", "deleted": "1"}]),
                     (200, [{"id": 1, "name": "Here", "deleted": "0"}]),
                     (200, [{"id": 3, "name": "Credit card", "is_active": "1"}, {"id": 4, "name": "Old", "is_active": "0"}])]
    assert [(n.name, n.active) for n in host.partners()] == [("Default", True), ("North", False)]
    assert [n.id for n in host.locations()] == [1]
    assert [n.active for n in host.payment_methods()] == [True, False]


# -- payments -----------------------------------------------------------------------------------------------------


def test_payments_are_found_by_customer_and_field_and_compared_here(host, small):
    small.answers = [(200, [PAYMENT, {**PAYMENT, "id": 4, "deleted": "1"}])]
    found = host.find_payments(7332, "ABC-1")
    assert [(p.id, p.deleted) for p in found] == [(1822, False), (4, True)]
    method, path, query, _ = the_call(small)
    assert (method, path) == ("GET", "finance/payments")
    assert (query["main_attributes[customer_id]"], query["main_attributes[field_1]"]) == ("7332", "ABC-1")
    assert not [name for name in query if "deleted" in name]


@pytest.mark.parametrize("stranger", [{"customer_id": 5}, {"field_1": ""}, {"field_1": "ABC-10"}])
def test_a_server_that_ignores_filters_answers_nothing_about_a_payment(host, small, stranger):
    """Ours may lie beyond the newest rows: not found would be a second posting."""
    small.answers = [(200, [PAYMENT, {**PAYMENT, "id": 9, **stranger}])]
    with pytest.raises(HostUnavailable, match="ignores the search by field_1") as caught:
        host.find_payments(7332, "ABC-1")
    assert not caught.value.sent


def test_a_payment_is_read(host, small):
    small.answers = [(200, PAYMENT)]
    assert host.get_payment(1822) == Payment(
        id=1822, customer_id=7332, invoice_id=2614, request_id=None, payment_type=1, amount=Decimal(100),
        date=date(2022, 4, 20), field_1="ABC-1", field_2="auth", comment="c", deleted=False)
    small.answers = [NO_SUCH, (403, {"message": "no"})]
    assert host.find_payment(1822) is None
    with pytest.raises(HostRejected):
        host.find_payment(1822)


def test_the_payments_of_a_customer_are_listed(host, small):
    small.answers = [(200, [PAYMENT, {**PAYMENT, "customer_id": 1}])]
    assert [p.id for p in host.customer_payments(7332)] == [1822]
    assert the_call(small)[2]["limit"] == "500"


def test_a_payment_is_posted_with_decimal_text_and_only_the_targets_it_has(host, small):
    draft = PaymentDraft(customer_id=7332, amount=Money(1999, "USD"), date=date(2024, 2, 29), payment_type=3,
                         invoice_id=2614, comment="IPpay", field_1="ABC-1", field_2="auth")
    small.answers = [(201, {"id": "77"})]
    assert host.post_payment(draft) == 77
    assert the_call(small) == ("POST", "finance/payments", {}, {
        "customer_id": 7332, "invoice_id": 2614, "amount": "19.99", "date": "2024-02-29", "payment_type": 3,
        "comment": "IPpay", "note": "", "field_1": "ABC-1", "field_2": "auth"})


def test_a_posting_whose_answer_has_no_id_may_have_been_carried_out(host, small):
    draft = PaymentDraft(customer_id=1, amount=Money(1, "USD"), date=date(2024, 1, 1), payment_type=3, request_id=6,
                         comment="", field_1="A-1", field_2="")
    assert "invoice_id" not in draft.body()
    assert draft.body()["request_id"] == 6
    small.answers = [(201, {"result": "ok"})]
    with pytest.raises(HostUnavailable) as caught:
        host.post_payment(draft)
    assert caught.value.sent


def test_a_payment_is_deleted(host, small):
    small.answers = [(204,)]
    host.delete_payment(5)
    assert the_call(small)[:2] == ("DELETE", "finance/payments/5")


@pytest.mark.parametrize(("answers", "proof"), [
    ([[PAYMENT]], False),  # finds something for a value nothing has
    ([[], []], None),  # no payment yet: nothing to prove it with
    ([[], [{**PAYMENT, "field_1": ""}]], True),  # no payment with the field: the first search is the proof
    ([[], [{**PAYMENT, "id": 9, "deleted": "1"}, PAYMENT], [PAYMENT]], True),
    ([[], [PAYMENT], [{**PAYMENT, "id": 2, "field_1": "ABC-10"}, PAYMENT]], False),  # finds what only begins like it
    ([[], [PAYMENT], []], False),  # finds nothing, ever: the worst of all
])
def test_the_proof_that_the_field_filter_works(host, small, answers, proof):
    small.answers = [(200, rows) for rows in answers]
    assert host.prove_field_filter() is proof
    assert not small.answers


# -- statements and payment accounts ------------------------------------------------------------------------------


def test_a_statement_is_found_by_its_exact_title(host, small):
    small.answers = [(200, [{"id": 4, "title": "IPpay 02/2024"}, {"id": "3", "title": "IPpay 02/2024"},
                            {"id": 1, "title": "IPpay"}])]
    assert host.find_statement("IPpay 02/2024") == 3
    assert the_call(small)[2]["main_attributes[title]"] == "IPpay 02/2024"
    small.answers = [(200, [])]
    assert host.find_statement("IPpay 02/2024") is None


def test_a_statement_and_its_records_are_written(host, small):
    small.answers = [(201, {"id": 8}), (201, {"id": 9}), (202, {}), (202, {})]
    amount, day = Money(1500, "USD"), date(2024, 2, 29)
    assert host.create_statement("IPpay 02/2024") == 8
    assert host.post_statement_record(8, customer_id=1, amount=amount, payment_date=day, comment="IPpay") == 9
    host.put_statement_record(9, customer_id=1, amount=amount, payment_date=day, status="processed", payment_id=5)
    host.put_statement_record(9, customer_id=1, amount=amount, payment_date=day, status="error")
    base = {"customer_id": 1, "amount": "15.00", "payment_date": "2024-02-29"}
    assert [c["body"] for c in small.calls] == [
        {"title": "IPpay 02/2024", "status": "success"},
        {**base, "bank_statements_process_id": 8, "status": "new", "comment": "IPpay"},
        {**base, "status": "processed", "payment_id": 5}, {**base, "status": "error"}]
    assert small.calls[3]["path"].endswith("/admin/finance/bank-statements-records/9")


def test_statement_records_are_found_and_compared_here(host, small):
    row = {"id": 9, "bank_statements_process_id": 8, "customer_id": 1, "amount": "15.0000", "status": "new",
           "payment_id": None, "payment_date": "2024-02-29", "comment": "IPpay"}
    small.answers = [(200, [row, {**row, "id": 10, "customer_id": 2}, {**row, "id": 11, "bank_statements_process_id": 1}])]
    (record,) = host.find_statement_records(8, 1)
    assert (record.id, record.amount, record.status, record.payment_id) == (9, Decimal(15), "new", None)


def test_payment_accounts_are_mirrored_under_their_composite_id(host, small):
    small.answers = [(202, {})]
    host.put_payment_account(5, 1, {"field_1": "x"})
    assert [(c["path"], c["body"]) for c in small.calls] == [
        ("/api/2.0/admin/customers/customer-payment-accounts/5--1", {"field_1": "x"})]
