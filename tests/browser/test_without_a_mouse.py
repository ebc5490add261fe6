"""By keyboard alone, without JavaScript, and with a typing error: paying works, and says what to do."""

import re

import pytest


def tab_to(page, selector, *, most=60):
    """Press Tab until the element has the focus, as somebody without a mouse does."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement && document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"{most} presses of Tab do not reach {selector}")


def focus_is_visible(page):
    style = page.evaluate("() => { const style = getComputedStyle(document.activeElement); return [style.outlineStyle, style.boxShadow]; }")
    assert style != ["none", "none"]


def test_an_invoice_is_paid_with_a_saved_card_by_keyboard(customer, town, sandbox):
    town.card()
    page = customer().page
    page.goto(f"/ippay/pay-invoice?item_id={sandbox.unpaid_invoices(1)[0]['number']}")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    tab_to(page, "input[name=source]")
    focus_is_visible(page)
    tab_to(page, "button[type=submit]")
    focus_is_visible(page)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Success! Your payment was approved").wait_for()
    assert len(sandbox.sales()) == 1


def test_an_invoice_is_paid_with_a_new_card_by_keyboard(customer, town, sandbox):
    town.bank()
    page = customer().page
    page.goto(f"/ippay/pay-invoice?item_id={sandbox.unpaid_invoices(1)[0]['number']}")
    tab_to(page, "input[name=source]")
    page.keyboard.press("ArrowDown")
    assert page.locator("input[name=source]:checked").get_attribute("value") == "card"
    for name, value in (("number", town.visa), ("expiry", "1230"), ("cvv", "123")):
        tab_to(page, f"#card-{name}")
        page.keyboard.type(value if name != "expiry" else "12/30")
    assert page.locator("#card-brand").inner_text() == "Visa"
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Success! Your payment was approved").wait_for()
    assert len(sandbox.sales()) == 1


@pytest.mark.parametrize(("begins", "brand"), [("4", "Visa"), ("55", "Mastercard"), ("2221", "Mastercard"), ("37", "American Express"),
                                               ("6011", "Discover"), ("9", "")])
def test_the_brand_is_told_while_the_number_is_typed(begins, brand, customer):
    page = customer().page
    page.goto("/ippay/credentials")
    page.locator("#card-number").press_sequentially(begins)
    assert page.locator("#card-brand").inner_text() == brand
    assert page.locator("#card-brand").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize(("name", "value", "words"), [
    ("number", "4111 1111 1111 1112", "typing error"), ("expiry", "01/20", "expired"), ("cvv", "12", "digits"), ("holder", "", "name")])
def test_an_error_is_announced_focused_and_stands_at_its_field(name, value, words, customer, town, sandbox):
    page = customer().page
    page.goto(f"/ippay/pay-invoice?item_id={sandbox.unpaid_invoices(1)[0]['number']}")
    for field, good in (("number", town.visa), ("expiry", "12/30"), ("cvv", "123"), ("holder", "John Sway")):
        page.locator(f"#card-{field}").fill(value if field == name else good)
    page.keyboard.press("Enter")
    summary = page.get_by_role("alert")
    summary.wait_for()
    assert page.evaluate("() => document.activeElement.getAttribute('role')") == "alert"
    assert words in summary.inner_text().lower()
    field = page.locator(f"#card-{name}")
    assert field.get_attribute("aria-invalid") == "true"
    told = page.locator(f"#{field.get_attribute('aria-describedby').split()[0]}")
    assert words in told.inner_text().lower()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == f"card-{name}"
    assert page.locator("#card-number").input_value() == ""
    assert page.locator("#card-cvv").input_value() == ""
    assert sandbox.sales() == []


def test_everything_works_without_javascript(customer, town, sandbox):
    window = customer(java_script_enabled=False)
    page = window.page
    page.goto("/ippay/credentials")
    for name, value in (("number", town.visa), ("expiry", "12/30"), ("holder", "John Sway")):
        page.locator(f"#card-{name}").fill(value)
    page.get_by_role("button", name="Add card").click()
    page.get_by_text("The card was saved. Nothing was charged.").wait_for()
    page.goto(f"/ippay/pay-invoice?item_id={sandbox.unpaid_invoices(1)[0]['number']}")
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.get_by_role("heading", name="Success! Your payment was approved").wait_for()
    page.goto("/ippay/")
    page.get_by_label("Amount").fill("25.00")
    page.get_by_label("New bank account").check()
    for name, value in (("routing", town.routing), ("account", town.account), ("account_again", town.account), ("holder", "John Sway")):
        page.locator(f"#bank-{name}").fill(value)
    page.get_by_label("I have read this authorization").check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name="Your bank debit is on its way").wait_for()
    assert [sale["type"] for sale in sandbox.sales()] == ["SALE", "CHECK"]


@pytest.mark.parametrize("scripts", [True, False])
def test_the_open_question_becomes_the_answer_by_itself(scripts, customer, town, sandbox):
    town.card()
    window = customer(java_script_enabled=scripts)
    page = window.page
    town.fault("drop_after")
    page.goto(f"/ippay/pay-invoice?item_id={sandbox.unpaid_invoices(1)[0]['number']}")
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.get_by_role("heading", name="We are asking your bank").wait_for()
    town.tick()
    sandbox.jump(seconds=120)
    town.tick()
    page.get_by_role("heading", name="Success! Your payment was approved").wait_for()
    assert len(sandbox.sales()) == 1


def test_a_second_press_takes_nothing_more(customer, town, sandbox):
    town.card()
    page = customer().page
    town.fault("delay", seconds=1.5)
    page.goto(f"/ippay/pay-invoice?item_id={sandbox.unpaid_invoices(1)[0]['number']}")
    button = page.locator("main button[type=submit]")
    button.dblclick(no_wait_after=True)
    page.get_by_role("heading", name="Success! Your payment was approved").wait_for()
    assert len(sandbox.sales()) == 1


def test_going_back_after_paying_offers_no_second_payment(customer, town, sandbox):
    town.card()
    page = customer().page
    page.goto(f"/ippay/pay-invoice?item_id={sandbox.unpaid_invoices(1)[0]['number']}")
    page.locator("main button[type=submit]").click()
    page.get_by_role("heading", name="Success! Your payment was approved").wait_for()
    page.go_back()
    page.get_by_text("There is nothing left to pay on it. Thank you!").wait_for()
    assert len(sandbox.sales()) == 1


@pytest.mark.parametrize("scripts", [True, False])
def test_staff_take_the_snippets_by_a_press_or_by_marking_them(scripts, clerk):
    window = clerk(java_script_enabled=scripts)
    page = window.page
    page.goto("/ippay/admin/links")
    snippets = page.locator("textarea[readonly]")
    assert snippets.count() == 4
    for number in range(snippets.count()):
        snippet = snippets.nth(number)
        text = snippet.input_value()
        assert re.search(r"\{\{ [\w.]+ }}", text)
        if scripts:
            window.context.grant_permissions(["clipboard-read", "clipboard-write"])
            button = page.locator(f"button[data-copy={snippet.get_attribute('id')}]")
            button.click()
            page.get_by_role("button", name="Copied").first.wait_for()
            assert page.evaluate("() => navigator.clipboard.readText()") == text
        else:
            assert not page.locator("button[data-copy]").nth(number).is_visible()
            snippet.focus()
            page.keyboard.press("Control+A")
            marked = snippet.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)")
            assert marked == text
