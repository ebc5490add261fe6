r"""What Splynx shows of us, and where: one row a place. ``register`` sends these rows, the checks look for them.

Must hold no address that is not a route of ours (a test asks the URL map). The keys are those of the host's own add-ons
(name, title, place, type, root, model, url, icon, size, code); ``root`` of the menu links is inferred from the
host's controller names, see docs/WIRE.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

PORTAL, ADMIN = "portal", "admin"
MENU_LINK, ACTION_LINK, CODE = "menu_link", "action_link", "code"
_PORTAL_FINANCE = r"controllers\portal\FinanceController"
_PORTAL_DASHBOARD = r"controllers\portal\DashboardController"
_ADMIN_FINANCE = r"controllers\admin\FinanceController"


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """One place in the host's pages. ``template`` names the Twig file of a ``code`` point in host/templates."""

    name: str
    title: str
    place: str
    type: str
    root: str = ""
    model: str = ""
    url: str = ""
    icon: str = "fa-credit-card"
    size: str = "lg"
    template: str = ""

    @property
    def code(self) -> str:
        """The Twig code of a dashboard widget, else nothing."""
        if not self.template:
            return ""
        return resources.files(__package__).joinpath("templates", self.template).read_text(encoding="utf-8")


ENTRY_POINTS: tuple[EntryPoint, ...] = (
    EntryPoint("ippay_credentials_point", "IpPay payment credentials", PORTAL, MENU_LINK, root=_PORTAL_FINANCE,
               url="/ippay/credentials"),
    EntryPoint("ippay_add_money_point", "Add money by IpPay", PORTAL, MENU_LINK, root=_PORTAL_FINANCE, url="/ippay/",
               icon="fa-money"),
    EntryPoint("ippay_pay_several_point", "Pay several invoices by IpPay", PORTAL, MENU_LINK, root=_PORTAL_FINANCE,
               url="/ippay/pay"),
    EntryPoint("ippay_pay_invoice_point", "Pay by Ippay", PORTAL, ACTION_LINK, model="Invoices",
               url="/ippay/pay-invoice"),
    EntryPoint("ippay_pay_request_point", "Pay by Ippay", PORTAL, ACTION_LINK, model="Requests",
               url="/ippay/pay-request"),
    EntryPoint("ippay_pay_on_dashboard", "Pay your invoices by IpPay", PORTAL, CODE, root=_PORTAL_DASHBOARD,
               template="widget_invoices.twig"),
    EntryPoint("ippay_pay_requests_on_dashboard", "Pay your Proforma invoices by IpPay", PORTAL, CODE,
               root=_PORTAL_DASHBOARD, template="widget_requests.twig"),
    EntryPoint("ippay_add_money_on_dashboard", "Add money by IpPay", PORTAL, CODE, root=_PORTAL_DASHBOARD,
               template="widget_add_money.twig"),
    EntryPoint("ippay_charge_point", "Charge by IpPay", ADMIN, MENU_LINK, root=_ADMIN_FINANCE,
               url="/ippay/admin/charge"),
    EntryPoint("ippay_admin_pay_invoice_point", "Pay by Ippay", ADMIN, ACTION_LINK, model="Invoices",
               url="/ippay/admin/pay-invoice"),
    EntryPoint("ippay_admin_pay_request_point", "Pay by Ippay", ADMIN, ACTION_LINK, model="Requests",
               url="/ippay/admin/pay-request"),
)
