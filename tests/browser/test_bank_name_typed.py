"""The name of the bank appears while a routing number is typed, in the portal and behind a payment link."""

from dataclasses import replace

import pytest


@pytest.fixture
def core(core, sandbox):
    return replace(core, deployment=replace(core.deployment, routing_directory=sandbox.facts["routing_directory"]))


def test_the_bank_is_named_while_its_number_is_typed_and_a_strange_number_gently_doubted(customer, screens):
    page = customer().page
    page.goto("/ippay/credentials")
    page.locator("#bank-routing").press_sequentially("111000025")
    page.get_by_text("Sandbox First National Bank, NA").wait_for()
    assert page.locator("#bank-bank").get_attribute("aria-live") == "polite"
    page.screenshot(path=screens / "bank-name-typed.png")
    page.locator("#bank-routing").fill("12210515")
    assert page.locator("#bank-bank").inner_text() == ""
    page.locator("#bank-routing").fill("122105155")
    page.get_by_text("Not in our list of banks: please compare it with a check").wait_for()


def test_the_holder_of_a_link_sees_the_bank_too(visit, sandbox, registered_core, run_program):
    link = run_program(registered_core, "link", "invoice", sandbox.unpaid_invoices(1)[0]["id"]).stdout.split()[0]
    page = visit().page
    page.goto(link[link.index("/ippay/"):])
    page.get_by_label("Bank account", exact=True).check()
    page.locator("#bank-routing").press_sequentially("011401533")
    page.get_by_text("Example Savings Bank of the Sandbox").wait_for()
