"""Transactions of the host: found by our own comparison, and what is posted for a card fee."""

from datetime import date
from decimal import Decimal

import pytest

from splynx_ippay.base.errors import HostRejected, HostUnavailable
from splynx_ippay.base.money import Money
from splynx_ippay.splynx.transactions import TransactionDraft

ROW = {"id": "322429", "customer_id": "693", "type": "debit", "quantity": 1, "price": "0.9000", "total": "0.9700",
       "date": "2026-11-22", "category": "5", "comment": "ABC-2", "invoice_id": None, "invoiced_by_id": "0", "deleted": "0"}
SINCE = date(2026, 11, 21)


def test_only_rows_with_our_comment_and_customer_are_found_whatever_the_host_sends(host, small):
    rows = [ROW, {**ROW, "id": 322430, "comment": "ABC-20"}, {**ROW, "id": 322431, "customer_id": 5}, {**ROW, "id": 322432, "deleted": "1"}]
    small.answers = [(200, rows), (200, [])]
    assert [(row.id, row.total, row.deleted) for row in host.find_transactions(693, "ABC-2", since=SINCE)] == [
        (322429, Decimal("0.9700"), False), (322432, Decimal("0.9700"), True)]
    assert [call["query"]["main_attributes[id][1]"] for call in small.calls] == ["0", "322432"]


def test_rows_that_are_not_in_order_are_no_answer(host, small):
    small.answers = [(200, [{**ROW, "id": 9}, {**ROW, "id": 8}])]
    with pytest.raises(HostUnavailable, match="cannot be read"):
        host.find_transactions(693, "ABC-2", since=SINCE)


@pytest.mark.parametrize(("changes", "invoice_id"), [({}, None), ({"invoice_id": 7}, 7), ({"invoiced_by_id": "8"}, 8)])
def test_a_transaction_is_on_an_invoice_by_either_field(host, small, changes, invoice_id):
    small.answers = [(200, {**ROW, **changes})]
    assert host.find_transaction(322429).invoice_id == invoice_id


def test_a_transaction_that_is_not_there_is_none_and_another_one_is_no_answer(host, small):
    small.answers = [(404, {"error": {"message": "Not found"}})]
    assert host.find_transaction(1) is None
    small.answers = [(200, ROW)]
    with pytest.raises(HostUnavailable, match="cannot be read"):
        host.find_transaction(1)
    small.answers = [(403, {"error": {"message": "No"}})]
    with pytest.raises(HostRejected):
        host.find_transaction(1)


def test_a_debit_is_posted_with_its_tax_and_never_for_a_later_invoice(host, small):
    small.answers = [(201, {"id": 5})]
    draft = TransactionDraft(customer_id=693, total=Money(97, "USD"), tax=Money(7, "USD"), tax_percent=Decimal("8.25"),
                             date=date(2026, 11, 22), category=5, description="Card fee", comment="ABC-2")
    assert host.post_transaction(draft) == 5
    (call,) = small.calls
    assert call["body"] == {
        "customer_id": 693, "type": "debit", "quantity": 1, "price": "0.90", "tax_percent": "8.2500", "total": "0.97",
        "date": "2026-11-22", "category": 5, "description": "Card fee", "comment": "ABC-2", "to_invoice": "0"}
