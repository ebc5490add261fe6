"""Reading thousands of invoices: every one once, at one call a page, whatever the host does with a filter."""

from datetime import date
from decimal import Decimal

import pytest

from splynx_ippay.base.errors import HostUnavailable
from splynx_ippay.splynx.resources import InvoiceFilter

UNPAID = InvoiceFilter(status=("not_paid",))


def row(which, **changes):
    return {"id": which, "customer_id": 1, "date_created": "2024-02-10", "number": f"N{which}", "total": "10.0000",
            "due": "10.0000", "status": "not_paid", **changes}


def table(small, rows, *, header="true", cap=10_000):
    """Answer by the id condition and the limit; the count of the header is true, of the page, or absent."""
    def answer(handler):
        query = small.calls[-1]["query"]
        left = [r for r in rows if r["id"] > int(query.get("main_attributes[id][1]", 0))]
        page = left[:min(int(query["limit"]), cap)]
        headers = {"true": {"X-total-count": str(len(left))}, "page": {"X-total-count": str(len(page))}, "none": {}}
        handler.reply(200, page, headers[header])
    small.answers = [answer] * 50


def ids(host, filters=UNPAID, size=100):
    return [[i.id for i in page] for page in host.invoice_pages(filters, "USD", page_size=size)]


def flat(pages):
    return [one for page in pages for one in page]


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (99, 1), (101, 2), (200, 2), (1000, 10), (1001, 11)])
def test_n_invoices_cost_as_many_calls_as_pages(host, small, count, calls):
    table(small, [row(n) for n in range(1, count + 1)])
    pages = ids(host)
    assert flat(pages) == list(range(1, count + 1))
    assert len(small.calls) == calls
    assert small.calls[0]["query"]["order[id]"] == "ASC"
    assert "main_attributes[id][0]" not in small.calls[0]["query"]


@pytest.mark.parametrize(("header", "cap"), [("none", 10_000), ("page", 10_000), ("none", 50), ("true", 30)])
@pytest.mark.parametrize("count", [100, 200, 250, 237])
def test_none_is_missed_where_the_host_does_not_count_or_caps_its_pages(host, small, header, cap, count):
    table(small, [row(n) for n in range(1, count + 1)], header=header, cap=cap)
    assert flat(ids(host)) == list(range(1, count + 1))


def test_a_count_of_the_whole_table_does_not_loop_for_ever(host, small):
    small.answers = [(200, [row(1)], {"X-total-count": "900"}), (200, [], {"X-total-count": "900"})]
    assert ids(host) == [[1]]
    assert not small.answers


def test_invoices_paid_while_we_read_do_not_shift_the_pages(host, small):
    rows = [row(n) for n in range(1, 301)]
    table(small, rows)
    pages = host.invoice_pages(UNPAID, "USD", page_size=100)
    first = next(pages)
    del rows[:50]
    assert [i.id for i in first] + [i.id for page in pages for i in page] == list(range(1, 301))


@pytest.mark.parametrize("rows", [[row(1), row(1)], [row(2), row(1)]])
def test_a_host_that_does_not_sort_is_found_out(host, small, rows):
    small.answers = [(200, rows)]
    with pytest.raises(HostUnavailable, match="sort"):
        ids(host)


def test_a_host_that_ignores_the_filters_changes_nothing(host, small):
    rows = [row(1), row(2, status="paid"), row(3, date_created="2024-01-31"), row(4, date_created="2024-03-01"),
            row(5, total="10.01"), row(6, customer_id=9), row(7, number="other"), row(8, date_created=None)]
    filters = InvoiceFilter(status=("not_paid", "pending"), period_from=date(2024, 2, 1), period_to=date(2024, 2, 29),
                            total_operator="<=", total=Decimal(10), customer_ids=(1, 2), numbers=("N1", "N2", "N8"))
    table(small, rows)
    assert ids(host, filters) == [[1]]
    query = small.calls[0]["query"]
    asked = {name.removeprefix("main_attributes"): value for name, value in query.items() if "main_attributes" in name}
    assert asked == {
        "[status][0]": "IN", "[status][1][0]": "not_paid", "[status][1][1]": "pending",
        "[date_created][0]": "BETWEEN", "[date_created][1]": "2024-02-01", "[date_created][2]": "2024-02-29",
        "[total][0]": "<=", "[total][1]": "10", "[customer_id][0]": "IN", "[customer_id][1][0]": "1",
        "[customer_id][1][1]": "2", "[number][0]": "IN", "[number][1][0]": "N1", "[number][1][1]": "N2", "[number][1][2]": "N8"}


@pytest.mark.parametrize(("filters", "asked"), [
    (InvoiceFilter(period_from=date(2024, 2, 1)), [">=", "2024-02-01"]),
    (InvoiceFilter(period_to=date(2024, 2, 29)), ["<=", "2024-02-29"])])
def test_an_open_period_has_one_bound(filters, asked):
    assert filters.conditions() == {"date_created": asked}


@pytest.mark.parametrize(("sign", "kept"), [("=", [2]), (">", [3]), ("<", [1]), (">=", [2, 3]), ("<=", [1, 2])])
def test_the_total_is_compared_by_its_operator(host, small, sign, kept):
    table(small, [row(1, total="9.99"), row(2), row(3, total="10.01")])
    assert flat(ids(host, InvoiceFilter(total_operator=sign, total=Decimal("10.00")))) == kept


@pytest.mark.parametrize("sign", ["", "!=", "LIKE"])
def test_another_operator_is_refused(sign):
    with pytest.raises(ValueError, match="operator"):
        InvoiceFilter(total_operator=sign, total=Decimal(1))


def test_the_partner_is_left_to_who_reads_the_customers():
    assert InvoiceFilter(partner_ids=(1,)).conditions() == {}


def test_long_lists_are_asked_for_in_parts(host, small):
    table(small, [row(n, customer_id=n) for n in range(1, 101)])
    filters = InvoiceFilter(customer_ids=(*range(1, 101), 5))
    assert flat(ids(host, filters, size=500)) == list(range(1, 101))  # each once, though this host ignores the customers
    sizes = [sum("[customer_id][1]" in name for name in c["query"]) for c in small.calls]
    assert sizes == [80, 20]


def test_a_page_of_which_nothing_is_left_is_not_handed_on(host, small):
    table(small, [row(1, status="paid")])
    assert ids(host) == []


@pytest.mark.parametrize(("rows", "header", "count"), [
    ([], "0", 0), ([row(1)], "900", 1), ([row(n) for n in range(1, 501)], "1234", 1234), ([row(n) for n in range(1, 51)], "70", 70),
    ([row(n) for n in range(1, 501)], None, 500), ([row(1), row(2, status="paid")], "2", 1),
    ([row(n, status="paid" if n % 2 else "not_paid") for n in range(1, 501)], "1234", 250)])
def test_invoices_are_counted_at_one_call_and_the_host_is_believed_only_where_it_can_be_right(host, small, rows, header, count):
    small.answers = [(200, rows, {"X-total-count": header} if header else {})]
    assert host.count_invoices(UNPAID, "USD") == count
    assert len(small.calls) == 1
