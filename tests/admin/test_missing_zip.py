"""Whom staff ask for the ZIP code of a saved card."""


def save_card(person, postal_code=""):
    page = person.get("/ippay/credentials")
    more = {"postal_code": postal_code} if postal_code else {}
    return person.submit(page, "/credentials/card", number="4111111111111111", expiry="12/30", holder="Some Body", **more)


def test_the_list_holds_exactly_the_cards_without_a_zip_code_and_a_mail_to_each(browser_of, staff, core, settings_of):
    save_card(browser_of(1))
    settings_of(core, zip_code_option="1")
    save_card(browser_of(2), postal_code="80202")
    staff.enter_frame(staff.get("/admin/add-on?point=ippay_charge_point"))
    page = staff.get("/ippay/admin/missing-zip")
    assert page.says("Cards without a ZIP code", "1 card", "Visa •••• 1111")
    assert page.text.count("mailto:") == 1
    assert "%2Fippay%2Fcredentials" in page.text or "/ippay/credentials" in page.text
    browser = browser_of(1)
    browser.submit(browser.get("/ippay/credentials"), "/zip", postal_code="80203")
    assert staff.get("/ippay/admin/missing-zip").says("Every saved card has its ZIP code.")


def test_the_file_holds_the_same_and_no_cell_that_a_spreadsheet_runs(browser_of, staff):
    save_card(browser_of(1))
    save_card(browser_of(2))
    staff.enter_frame(staff.get("/admin/add-on?point=ippay_charge_point"))
    answer = staff.session.get(staff.base_url + "/ippay/admin/missing-zip.csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert "attachment" in answer.headers["Content-Disposition"]
    assert all("/ippay/credentials" in line for line in lines[1:])
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line.split(","))


def test_without_names_from_splynx_the_list_is_of_use_still(browser_of, staff, sandbox):
    save_card(browser_of(1))
    staff.enter_frame(staff.get("/admin/add-on?point=ippay_charge_point"))
    sandbox.fault(server="host", kind="http_status", status=500, match={"path": "admin/customers/customer"}, times=4)
    assert staff.get("/ippay/admin/missing-zip").says("Visa •••• 1111")
