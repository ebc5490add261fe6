"""The customer's portal: login, dashboard with widgets, finance lists, pages and dialogs of add-ons in frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, render_template, request

from splynx_ippay_sandbox.host import points, web, widgets

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from splynx_ippay_sandbox.host.part import HostPart
    from splynx_ippay_sandbox.host.table import Row

_EMPTY_SECTIONS = ("statistics", "services", "messages", "news", "tickets", "documents", "about")


def blueprint(host: HostPart) -> Blueprint:
    """Return the blueprint under /portal."""
    pages = Blueprint("host_portal", __name__, url_prefix="/portal")
    web.guard(pages, host, "customer")
    _add_login(pages, host)
    _add_finance(pages, host)
    _add_sections(pages, host)
    _add_addons(pages, host)
    return pages


def _page(host: HostPart, template: str, **values: Any) -> str:
    customer = host.state.customers.rows[web.session().customer_id]
    menu = points.menu_links(host.state, "portal", customer["partner_id"])
    return render_template(
        f"host/portal/{template}.html", customer=customer, addon_menu=menu, message=web.heard(), csrf=web.session().csrf, **values
    )


def _customer(host: HostPart) -> Row:
    customer = host.state.customers.find(web.session().customer_id)
    if customer is None:
        abort(403)
    return customer


def _add_login(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/login/")
    def login() -> str:
        return _login_page("")

    @pages.post("/login/")
    def login_post() -> str | Response | tuple[str, int]:
        with host.world.lock:
            person = host.state.check_password("customer", request.form.get("login", ""), request.form.get("password", ""))
            if not person:
                return _login_page("Incorrect login or password."), 401
            web.log_in(host, "customer", person)
        return redirect(web.local_target("/portal/dashboard"))

    @pages.get("/logout")
    def logout() -> Response:
        web.log_out("customer")
        return redirect("/portal/login/")

    @pages.get("/")
    def home() -> Response:
        return redirect("/portal/dashboard")


def _login_page(problem: str) -> str:
    return render_template(
        "host/login.html", side="Customer portal", action="/portal/login/", problem=problem, csrf=web.session().csrf,
        target=web.local_target("/portal/dashboard"),
    )


def _add_finance(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/finance/invoices")
    def invoices() -> str:
        return _document_page(host, "invoices", "Invoices")

    @pages.get("/finance/requests")
    def requests() -> str:
        return _document_page(host, "requests", "Requests")

    @pages.get("/finance/payments")
    @pages.get("/finance/payments/list")
    def payments() -> str:
        with host.world.lock:
            rows = host.state.payments.where(customer_id=_customer(host)["id"], deleted="0")
            return _page(host, "payments", active="payments", rows=rows[::-1], methods=host.state.methods.rows)

    @pages.get("/finance/transactions")
    def transactions() -> str:
        with host.world.lock:
            rows = host.state.transactions.where(customer_id=_customer(host)["id"], deleted="0")
            return _page(host, "transactions", active="transactions", rows=rows[::-1], categories=host.state.categories.rows)

    @pages.get("/finance/statements")
    def statements() -> str:
        with host.world.lock:
            rows, balance = [], 0
            booked = host.state.transactions.where(customer_id=_customer(host)["id"], deleted="0")
            for row in sorted(booked, key=lambda row: (row["date"], row["id"])):
                balance += row["total"] if row["type"] == "credit" else -row["total"]
                rows.append({**row, "balance": balance})
            return _page(host, "statements", active="statements", rows=rows)


def _add_sections(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/dashboard")
    def dashboard() -> str:
        with host.world.lock:
            customer, state = _customer(host), host.state
            code = state.registry.shown("portal", "code", customer["partner_id"])
            panels = [(point, widgets.render(state, point, customer)) for point in code]
            unpaid = [row for row in _documents(host, "invoices") if row["status"] in ("not_paid", "pending")]
            balance = state.billing.rows[customer["id"]]["deposit"]
            return _page(host, "dashboard", active="dashboard", panels=panels, unpaid=len(unpaid), balance=balance)

    @pages.get("/profile")
    def profile() -> str:
        with host.world.lock:
            return _page(host, "profile", active="profile")

    @pages.get("/<section>")
    def empty(section: str) -> str:
        if section not in _EMPTY_SECTIONS:
            abort(404)
        return _page(host, "empty", active=section, title=section.capitalize())


def _documents(host: HostPart, kind: str) -> list[Row]:
    table = host.state.invoices if kind == "invoices" else host.state.requests
    return table.where(customer_id=_customer(host)["id"], deleted="0")[::-1]


def _document_page(host: HostPart, kind: str, model: str) -> str:
    """Show invoices or proformas, newest first, with the icons add-ons have registered for that model."""
    with host.world.lock:
        customer = _customer(host)
        search, shown = request.args.get("search", "").strip(), request.args.get("show", "12")
        limit = min(int(shown), 1000) if shown.isascii() and shown.isdigit() else 12
        rows = [row for row in _documents(host, kind) if search in row["number"]]
        links = {
            row["id"]: points.action_links(host.state, "portal", model, row["number"], customer["partner_id"])
            for row in rows[:limit]
        }
        return _page(
            host, "documents", active=kind, rows=rows[:limit], more=len(rows) > limit, limit=limit, search=search, links=links,
            title="Invoices" if kind == "invoices" else "Proforma Invoices", today=host.state.today(),
        )


def _add_addons(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/add-on")
    def addon() -> str:
        with host.world.lock:
            point = _point(host, request.args.get("point", ""))
            return _page(
                host, "addon", active=point.name, point=point, section=points.section_of(point), frame=points.frame_url(point)
            )

    @pages.get("/add-on--action-link-modal")
    def modal() -> str:
        with host.world.lock:
            point = _point(host, request.args.get("name", ""), request.args.get("module", ""))
            title = host.state.registry.modules[point.module].title
            frame = points.dialog_url(point, request.args.get("id", ""))
            if request.headers.get("X-Requested-With") == "XMLHttpRequest":
                return render_template("host/_dialog.html", title=title, frame=frame, size=point.size)
            return _page(host, "modal", active="", title=title, frame=frame, size=point.size)


def _point(host: HostPart, name: str, module: str = "") -> Any:
    point = host.state.registry.find_shown("portal", name, _customer(host)["partner_id"], module)
    if point is None:
        abort(404, "This entry point is not registered or is switched off.")
    return point
