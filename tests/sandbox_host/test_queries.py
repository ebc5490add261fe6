"""Filters, order, pages, counts and schemas of the host's API."""

import pytest


def numbers(rows):
    return [row["number"] for row in rows]


def test_a_list_is_a_bare_array_with_the_newer_mix_of_types(api):
    row = api.get("finance/invoices", limit=1)[0]
    assert isinstance(row["id"], int)
    assert isinstance(row["total"], float)
    assert row["use_transactions"] == "1"
    assert row["is_sent"] in ("0", "1")
    assert isinstance(row["items"][0]["price"], str)
    assert row["items"][0]["price"].endswith("00")
    customer = api.get("customers/customer/1")
    assert customer["last_online"] == "0000-00-00 00:00:00"
    assert customer["mrr_total"] == "0.0000"
    assert customer["password"] == ""


def test_plain_equality_and_operators_find_the_same(api):
    plain = api.get("finance/invoices", **{"main_attributes[status]": "not_paid"})
    spelled = api.get("finance/invoices", **{"main_attributes[status][0]": "=", "main_attributes[status][1]": "not_paid"})
    assert plain == spelled
    assert {row["status"] for row in plain} == {"not_paid"}


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("!=", ["120"], lambda total: total != 120), ("<>", ["120.00"], lambda total: total != 120),
        (">", ["100"], lambda total: total > 100), (">=", ["100"], lambda total: total >= 100),
        ("<", ["100"], lambda total: total < 100), ("<=", ["100.0000"], lambda total: total <= 100),
        ("BETWEEN", ["50", "100"], lambda total: 50 <= total <= 100), ("LIKE", ["9.9"], lambda total: "9.9" in str(total)),
        ("REGEXP", [r"^1\d\d\."], lambda total: 100 <= total < 200),
    ],
)
def test_every_operator_on_amounts(api, operator, values, expected):
    params = {"main_attributes[total][0]": operator, **{f"main_attributes[total][{place}]": value for place, value in enumerate(values, 1)}}
    found = api.get("finance/invoices", **params)
    everything = api.get("finance/invoices")
    assert found == [row for row in everything if expected(row["total"])]
    assert 0 < len(found) < len(everything)


def test_in_takes_an_array(api):
    params = {"main_attributes[id][0]": "IN", "main_attributes[id][1][0]": "3", "main_attributes[id][1][1]": "1", "main_attributes[id][1][2]": "999"}
    assert [row["id"] for row in api.get("customers/customer", **params)] == [1, 3]
    indexed = {"main_attributes[customer_id][0]": "IN", "main_attributes[customer_id][1][]": ["1", "2"]}
    assert {row["customer_id"] for row in api.get("finance/invoices", **indexed)} == {1, 2}


def test_like_looks_anywhere_and_knows_wildcards(api):
    like = {"main_attributes[name][0]": "LIKE"}
    assert [row["id"] for row in api.get("customers/customer", **like, **{"main_attributes[name][1]": "miller"})] == [3]
    assert [row["id"] for row in api.get("customers/customer", **like, **{"main_attributes[name][1]": "Nora%"})] == [4]
    assert api.get("customers/customer", **like, **{"main_attributes[name][1]": "Miller%"}) == []


def test_is_null_and_find_in_set(api):
    api.post("finance/payments", customer_id=1, amount="1.00", payment_type=1, date="2026-01-02", field_2="a,b")
    null = api.get("finance/payments", **{"main_attributes[invoice_id][0]": "IS", "main_attributes[invoice_id][1]": "null"})
    assert [row["invoice_id"] for row in null] == [None]
    found = api.get("finance/payments", **{"main_attributes[field_2][0]": "FIND_IN_SET", "main_attributes[field_2][1]": "b"})
    assert len(found) == 1


def test_filters_are_joined_by_and(api):
    rows = api.get("finance/invoices", **{"main_attributes[customer_id]": "1", "main_attributes[status]": "paid"})
    assert [(row["customer_id"], row["status"]) for row in rows] == [(1, "paid")]


def test_an_invoice_is_found_by_its_number(api):
    wanted = api.get("finance/invoices/2")
    assert api.get("finance/invoices", **{"main_attributes[number]": wanted["number"]}) == [wanted]
    assert api.get("finance/invoices", **{"main_attributes[number]": "nope"}) == []


def test_order_limit_offset_and_the_count(api):
    everything = api.get("finance/invoices")
    answer = api.call("GET", "finance/invoices", params={"order[id]": "DESC", "limit": 3, "offset": 1})
    assert [row["id"] for row in answer.json()] == [row["id"] for row in everything][::-1][1:4]
    assert answer.headers["X-total-count"] == str(len(everything))
    by_total = api.get("finance/invoices", **{"order[total]": "ASC"})
    assert [row["total"] for row in by_total] == sorted(row["total"] for row in everything)


def test_head_counts_with_204_and_an_empty_body(api):
    answer = api.call("HEAD", "finance/invoices", params={"main_attributes[status]": "not_paid"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert int(answer.headers["X-total-count"]) == len(api.get("finance/invoices", **{"main_attributes[status]": "not_paid"}))


def test_options_tells_the_fields(api):
    answer = api.call("OPTIONS", "finance/payments")
    assert answer.status_code == 200
    fields = {field["name"]: field for field in answer.json()["attributes"]}
    assert fields["amount"]["required"]
    assert fields["remind_amount"]["readonly"]


@pytest.mark.parametrize(
    "params",
    [
        {"main_attributes[nothing]": "1"}, {"main_attributes[id][0]": "DROP", "main_attributes[id][1]": "1"}, {"limit": "x"},
        {"main_attributes": "x"}, {"order[nothing]": "ASC"}, {"main_attributes[id][0]": ">"}, {"order": "id"}, {"a]b": "1"},
        {"main_attributes[name][0]": "REGEXP", "main_attributes[name][1]": "("},
    ],
)
def test_a_query_that_makes_no_sense_is_400(api, params):
    answer = api.call("GET", "customers/customer", params=params)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]


def test_odd_values_find_nothing_and_break_nothing(api):
    assert api.get("finance/invoices", **{"main_attributes[id]": "abc"}) == []
    assert api.get("finance/invoices", **{"main_attributes[total][0]": ">", "main_attributes[total][1]": "abc"}) == []
    assert api.get("finance/invoices", **{"main_attributes[number]": "' OR 1=1 --"}) == []
    assert api.get("customers/customer", **{"additional_attributes[token]": "x"}) == []


def test_ten_thousand_invoices_are_read_page_by_page(box, api):
    box.world.reset("large")
    offset, ids = 0, []
    while True:
        answer = api.call("GET", "finance/invoices", params={"main_attributes[status]": "not_paid", "limit": 1000, "offset": offset, "order[id]": "ASC"})
        ids += [row["id"] for row in answer.json()]
        offset += 1000
        if len(answer.json()) < 1000:
            break
    assert len(ids) == len(set(ids)) == 10_000
    assert ids == sorted(ids)
