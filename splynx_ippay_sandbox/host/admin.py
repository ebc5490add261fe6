"""The staff's side: login, dashboard, customers with their billing, finance lists, bank statements, add-on pages in frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, abort, redirect, render_template, request

from splynx_ippay_sandbox.host import listing, points, web
from splynx_ippay_sandbox.host.errors import Invalid
from splynx_ippay_sandbox.host.finance_resources import Invoices, Payments

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from splynx_ippay_sandbox.host.part import HostPart


def blueprint(host: HostPart) -> Blueprint:
    """Return the blueprint under /admin."""
    pages = Blueprint("host_admin", __name__, url_prefix="/admin")
    web.guard(pages, host, "admin")
    _add_login(pages, host)
    _add_customers(pages, host)
    _add_finance(pages, host)
    _add_deletions(pages, host)
    _add_statements(pages, host)
    _add_addons(pages, host)
    return pages


def page(host: HostPart, template: str, **values: Any) -> str:
    """Render a page of the admin with its menu."""
    return render_template(
        f"host/admin/{template}.html", admin=host.state.administrators.rows[web.session().admin_id],
        addon_menu=points.menu_links(host.state, "admin"), message=web.heard(), csrf=web.session().csrf,
        symbol=host.state.currency["symbol"], **values,
    )


def _add_login(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/login/")
    def login() -> str:
        return _login_page("")

    @pages.post("/login/")
    def login_post() -> str | Response | tuple[str, int]:
        with host.world.lock:
            person = host.state.check_password("admin", request.form.get("login", ""), request.form.get("password", ""))
            if not person:
                return _login_page("Incorrect login or password."), 401
            web.log_in(host, "admin", person)
        return redirect(web.local_target("/admin/dashboard"))

    @pages.get("/logout")
    def logout() -> Response:
        web.log_out("admin")
        return redirect("/admin/login/")

    @pages.get("/")
    def home() -> Response:
        return redirect("/admin/dashboard")

    @pages.get("/dashboard")
    def dashboard() -> str:
        with host.world.lock:
            state = host.state
            tiles = (
                ("Customers", len(state.customers), "/admin/customers/list"),
                ("Unpaid invoices", len(state.invoices.where(status="not_paid")), "/admin/finance/invoices?status=not_paid"),
                ("Payments", len(state.payments.where(deleted="0")), "/admin/finance/payments"),
                ("Modules", len(state.registry.modules), "/admin/config/modules"),
            )
            return page(host, "dashboard", active="dashboard", tiles=tiles)


def _login_page(problem: str) -> str:
    return render_template(
        "host/login.html", side="Administration", action="/admin/login/", problem=problem, csrf=web.session().csrf,
        target=web.local_target("/admin/dashboard"),
    )


def _add_customers(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/customers/list")
    def customers() -> str:
        with host.world.lock:
            search = request.args.get("search", "").strip().lower()
            rows = [row for row in host.state.customers if search in f"{row['name']} {row['login']} {row['id']}".lower()]
            return page(
                host, "customers", active="customers", view=listing.page_of(rows, request.args), search=search,
                partners=host.state.partners.rows, billing=host.state.billing.rows,
            )

    @pages.get("/customers/view")
    def customer() -> str:
        with host.world.lock:
            state, customer_id = host.state, request.args.get("id", "")
            row = state.customers.find(int(customer_id)) if customer_id.isascii() and customer_id.isdigit() else None
            if row is None:
                abort(404, "There is no such customer.")
            billing = state.billing.rows[row["id"]]
            method = state.methods.find(int(billing["payment_method"]))
            return page(
                host, "customer", active="customers", row=row, billing=billing, method=method["name"] if method else "",
                documents=listing.documents_of(state, row), tabs=points.customer_tabs(state, row),
                links=points.action_links(state, "admin", "Customers", str(row["id"]), row["partner_id"]),
                accounts=[(state.registry.account_kinds.get(account["account_id"], {"title": "Deleted account", "fields": []}), account)
                          for account in state.accounts.where(customer_id=row["id"])],
                payments=state.payments.where(customer_id=row["id"])[::-1], methods=state.methods.rows,
            )


def _add_finance(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/finance/invoices")
    def invoices() -> str:
        with host.world.lock:
            asked = listing.InvoiceFilter.of(request.args)
            view = listing.page_of(asked.matching(host.state), request.args)
            return page(
                host, "invoices", active="invoices", asked=asked, view=view, partners=host.state.partners.rows,
                lines=[listing.invoice_line(host.state, row) for row in view.rows],
            )

    @pages.get("/finance/invoices/charge")
    def charge() -> str:
        with host.world.lock:
            asked = listing.InvoiceFilter.of(request.args)
            rows = [row for row in asked.matching(host.state) if row["status"] == "not_paid"]
            return page(
                host, "charge", active="invoices", asked=asked, partners=host.state.partners.rows, amount=len(rows),
                locations=host.state.locations.rows, methods=host.state.methods.rows,
                total=sum(row["total"] for row in rows), due=sum(row["due"] for row in rows),
            )

    @pages.get("/finance/requests")
    def requests() -> str:
        with host.world.lock:
            rows = [row for row in host.state.requests if row["deleted"] == "0"][::-1]
            view = listing.page_of(rows, request.args)
            return page(
                host, "requests", active="requests", view=view, lines=[listing.request_line(host.state, row) for row in view.rows]
            )

    @pages.get("/finance/payments")
    def payments() -> str:
        with host.world.lock:
            view = listing.page_of(list(host.state.payments)[::-1], request.args)
            return page(
                host, "payments", active="payments", view=view, methods=host.state.methods.rows,
                customers=host.state.customers.rows, invoices=host.state.invoices.rows, requests=host.state.requests.rows,
            )


def _add_deletions(pages: Blueprint, host: HostPart) -> None:
    @pages.post("/finance/payments/<int:payment_id>/delete")
    def delete_payment(payment_id: int) -> Response:
        with host.world.lock:
            row = host.state.payments.find(payment_id)
            if row is None:
                abort(404, "There is no such payment.")
            Payments(host.state, host.state.payments, "", "payment").delete(row)
            web.say(f"Payment {row['receipt_number']} was deleted; its invoice is open again.")
        return redirect(web.local_target("/admin/finance/payments"))

    @pages.post("/finance/invoices/<int:invoice_id>/delete")
    def delete_invoice(invoice_id: int) -> Response:
        with host.world.lock:
            row = host.state.invoices.find(invoice_id)
            if row is None:
                abort(404, "There is no such invoice.")
            try:
                Invoices(host.state, host.state.invoices, "", "invoice").delete(row)
                web.say(f"Invoice {row['number']} was deleted.")
            except Invalid as error:
                web.say(error.problems[0][1])
        return redirect(web.local_target("/admin/finance/invoices"))


def _add_statements(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/finance/bank-statements")
    def statements() -> str:
        with host.world.lock:
            lines = [listing.statement_line(host.state, row) for row in host.state.statements][::-1]
            return page(host, "statements", active="statements", lines=lines)

    @pages.get("/finance/bank-statements/<int:statement_id>")
    def statement(statement_id: int) -> str:
        with host.world.lock:
            row = host.state.statements.find(statement_id)
            if row is None:
                abort(404, "There is no such statement.")
            records = host.state.records.where(bank_statements_process_id=statement_id)
            return page(
                host, "statement", active="statements", row=row, customers=host.state.customers.rows,
                lines=[listing.record_line(host.state, record) for record in records],
            )


def _add_addons(pages: Blueprint, host: HostPart) -> None:
    @pages.get("/add-on")
    def addon() -> str:
        with host.world.lock:
            point = _point(host, request.args.get("point", ""))
            customer = {"customer_id": request.args["customer_id"]} if request.args.get("customer_id", "").isdigit() else {}
            return page(
                host, "addon", active=point.name, point=point, section=points.section_of(point),
                frame=points.frame_url(point, web.session().sash, **customer),
            )

    @pages.get("/add-on--action-link-modal")
    def modal() -> str:
        with host.world.lock:
            point = _point(host, request.args.get("name", ""), request.args.get("module", ""))
            title = host.state.registry.modules[point.module].title
            frame = points.dialog_url(point, request.args.get("id", ""), web.session().sash)
            if request.headers.get("X-Requested-With") == "XMLHttpRequest":
                return render_template("host/_dialog.html", title=title, frame=frame, size=point.size)
            return page(host, "modal", active="", title=title, frame=frame, size=point.size)


def _point(host: HostPart, name: str, module: str = "") -> Any:
    # Limits by partner are about what is shown for a customer; staff of any partner may open the page itself.
    point = host.state.registry.points.get((module, name)) if module else next(
        (point for point in host.state.registry.points.values() if point.name == name and point.place == "admin"), None
    )
    if point is None or point.place != "admin" or not point.enabled:
        abort(404, "This entry point is not registered or is switched off.")
    return point
