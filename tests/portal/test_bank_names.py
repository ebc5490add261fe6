"""The name of the bank on the customer's pages, where the installer put a directory."""

import json
from dataclasses import replace

import pytest


@pytest.fixture
def core(core, sandbox):
    return replace(core, deployment=replace(core.deployment, routing_directory=sandbox.facts["routing_directory"]))


def test_a_saved_account_says_its_bank_wherever_it_is_shown(portal, add_bank, staff):
    page = add_bank(portal, routing="111000025")
    assert page.says("The bank account at Sandbox First National Bank, NA was saved. Nothing was charged.", "Routing number",
                     "111000025")
    label = "Sandbox First National Bank, NA •••• 5678"
    assert portal.get("/ippay/credentials/authorizations").says(label)
    assert portal.get("/ippay/").says(label)
    assert staff.get(f"/ippay/admin/customers/{portal.facts['id']}").says(label)


def test_a_number_in_no_list_is_accepted_with_a_gentle_word(portal, add_bank):
    page = add_bank(portal, routing="122105155")
    assert page.says("The bank account was saved.", "Our list of banks does not show its routing number", "•••• 5678")


def test_the_name_can_be_asked_by_anybody_and_costs_nothing(anybody, portal, sandbox, core, counted_queries):
    portal.get("/ippay/credentials")
    sandbox.reset_counters()
    with counted_queries(core) as seen:
        assert json.loads(anybody.get("/ippay/banks/111000025").text) == {"name": "Sandbox First National Bank, NA"}
        assert json.loads(anybody.get("/ippay/banks/122105155").text) == {"name": ""}
    assert len(seen) == 0
    assert sandbox.counters()["host"] == {}
    for path in ("1110000255", "11100002x", "１１１０００２５５"):
        assert anybody.get(f"/ippay/banks/{path}").status_code == 404


def test_the_form_names_where_to_ask_only_with_a_directory(portal):
    assert 'data-banks="/ippay/banks/"' in portal.get("/ippay/credentials").text
