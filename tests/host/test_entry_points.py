import re

from splynx_ippay.base.settings import MODULE
from splynx_ippay.host.entry_points import ACTION_LINK, ADMIN, CODE, ENTRY_POINTS, MENU_LINK, PORTAL

BY_NAME = {point.name: point for point in ENTRY_POINTS}


def test_names_are_unique_and_ours():
    assert len(BY_NAME) == len(ENTRY_POINTS)
    assert all(re.fullmatch(r"ippay_[a-z_]{1,40}", name) for name in BY_NAME)


def test_every_point_leads_somewhere_or_shows_something():
    for point in ENTRY_POINTS:
        assert bool(point.url) != bool(point.code), point.name
        assert bool(point.model) == (point.type == ACTION_LINK)
        assert bool(point.root) == (point.type in {MENU_LINK, CODE})


def test_admin_has_one_menu_link_and_it_is_charge():
    links = [point for point in ENTRY_POINTS if point.place == ADMIN and point.type == MENU_LINK]
    assert [(point.title, point.url) for point in links] == [("Charge by IpPay", "/ippay/admin/charge")]


def test_the_icons_beside_documents_are_there_for_customers_and_staff():
    icons = {(point.place, point.model, point.title) for point in ENTRY_POINTS if point.type == ACTION_LINK}
    assert icons == {(place, model, "Pay by Ippay") for place in (PORTAL, ADMIN) for model in ("Invoices", "Requests")}


def test_every_widget_names_points_and_module_that_are_registered():
    for point in ENTRY_POINTS:
        for name in re.findall(r'data-name="(\w+)"', point.code):
            assert name in BY_NAME
        for module in re.findall(r"module=(\w+)", point.code):
            assert module == MODULE


def test_every_address_is_a_route_of_the_add_on(app):
    routes = {rule.rule for rule in app.url_map.iter_rules()}
    for point in ENTRY_POINTS:
        if point.url:
            assert point.url in routes, point.name
