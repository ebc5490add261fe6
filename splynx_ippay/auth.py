"""Who is asking. Owns the exchange of the host's session or sash for an identity, and the way to the host's login.

A customer is known by the host's own session cookie, asked anew every minute; staff by the sash the host adds to the
address of an admin page (proven once, then kept in our signed session for half an hour) or by the same cookie. Must
never believe an id that came in an address or a form, and never keep a session id or a sash: only their digests.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import current_app, redirect, render_template, request, session
from flask_login import LoginManager, UserMixin, current_user

from splynx_ippay.base import clock
from splynx_ippay.base.errors import HostError, HostRejected
from splynx_ippay.base.memory import Memory
from splynx_ippay.splynx.session import Staff, customer_of_session, staff_of_sash, staff_of_session, staff_record

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

    from splynx_ippay.payments.core import Core
    from splynx_ippay.splynx.client import SplynxClient
    from splynx_ippay.splynx.resources import Customer, Host

_ASK_AGAIN_AFTER = timedelta(seconds=60)
_RECORD_FOR = timedelta(minutes=10)  # name, partner and address of a customer change rarely
_STAFF_FOR = timedelta(minutes=30)
_STAFF_KEY = "staff"
# Of whom the host does not tell the partner: nobody's customers are theirs.
NO_PARTNER = -1
_GONE = frozenset({400, 401, 403, 404, 422})


@dataclass(frozen=True)
class CustomerUser(UserMixin):  # type: ignore[misc]  # flask_login ships no types
    """A customer who is logged in to the host's portal."""

    record: Customer

    @property
    def id(self) -> int:
        """The host's customer id."""
        return self.record.id

    @property
    def partner_id(self) -> int:
        """The partner whose terminal charges this customer."""
        return self.record.partner_id

    @property
    def name(self) -> str:
        """The name the host knows."""
        return self.record.name

    @property
    def actor(self) -> str:
        """How attempts name the person."""
        return f"customer {self.id}"

    def get_id(self) -> str:
        """For Flask-Login; nothing is stored under it."""
        return self.actor


@dataclass(frozen=True)
class StaffUser(UserMixin):  # type: ignore[misc]  # flask_login ships no types
    """An administrator of the host. ``role`` and ``name`` may be "", ``partner_id`` None, where the host did not tell."""

    id: int
    role: str = ""
    partner_id: int | None = None
    name: str = ""

    @property
    def actor(self) -> str:
        """How attempts, runs and the audit name the person for ever: the id, which stays, and the name at that time."""
        return f"staff {self.id} ({self.name})" if self.name else f"staff {self.id}"

    def get_id(self) -> str:
        """For Flask-Login; nothing is stored under it."""
        return self.actor


def init_app(app: Flask) -> None:
    """Tell Flask-Login how a request shows who is asking; ``app.extensions["core"]`` must be there."""
    manager = LoginManager()
    manager.session_protection = None  # nothing of Flask-Login's lives in the session
    manager.request_loader(_load_user)
    manager.unauthorized_handler(_to_login)
    # No template asks for current_user: the link door and the error pages must not make the host be asked.
    manager.init_app(app, add_context_processor=False)
    app.extensions["identities"] = Memory[CustomerUser | StaffUser](_ASK_AGAIN_AFTER)
    app.extensions["customer_records"] = Memory[CustomerUser](_RECORD_FOR)
    app.extensions["staff_names"] = Memory[str](_RECORD_FOR)


def require_customer() -> ResponseReturnValue | None:
    """For ``before_request`` of the portal: the way to the login unless a customer is logged in."""
    return None if isinstance(current_user._get_current_object(), CustomerUser) else _to_login()  # noqa: SLF001 - the proxy's own way


def require_staff() -> ResponseReturnValue | None:
    """For ``before_request`` of the admin: proves a sash and drops it from the address, else asks for the login."""
    if "sash" in request.args and (user := _staff_by_sash(request.args["sash"])) is not None:
        session[_STAFF_KEY] = {"id": user.id, "role": user.role, "partner_id": user.partner_id, "name": user.name,
                               "until": (clock.now() + _STAFF_FOR).isoformat(), "host": _digest(_host_cookie())}
        if request.method in {"GET", "HEAD"}:
            rest = [(key, value) for key, value in request.args.items(multi=True) if key != "sash"]
            return redirect(request.path + ("?" + urlencode(rest) if rest else ""), 303)
    return None if isinstance(current_user._get_current_object(), StaffUser) else _to_login()  # noqa: SLF001 - the proxy's own way


def customer() -> CustomerUser:
    """The customer asking; only behind ``require_customer``."""
    user = current_user._get_current_object()  # noqa: SLF001 - the proxy's own way
    if not isinstance(user, CustomerUser):
        raise TypeError("this page is not behind require_customer")
    return user


def staff() -> StaffUser:
    """The administrator asking; only behind ``require_staff``."""
    user = current_user._get_current_object()  # noqa: SLF001 - the proxy's own way
    if not isinstance(user, StaffUser):
        raise TypeError("this page is not behind require_staff")
    return user


def login_address(door: str, back: str) -> str:
    """The host's login page, which leads back to an address of the same origin afterwards."""
    return f"/{'admin' if door == 'admin' else 'portal'}/login/?" + urlencode({"return": back})


def _core() -> Core:
    core: Core = current_app.extensions["core"]
    return core


def _host_cookie() -> str:
    return request.cookies.get(_core().settings.text("session_cookie") or "PHPSESSID", "")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _load_user(_request: object) -> CustomerUser | StaffUser | None:
    return _load_staff() if request.blueprint == "admin" else _load_customer()


def _load_customer() -> CustomerUser | None:
    cookie, memory = _host_cookie(), current_app.extensions["identities"]
    if not cookie:
        return None
    digest = _digest("customer " + cookie)
    if (known := memory.find(digest)) is not None:
        return known  # type: ignore[no-any-return]  # what this digest was kept with
    host = _core().host
    customer_id = customer_of_session(host.client, cookie)
    if customer_id is None:
        return None
    user = _customer_by_id(host, customer_id)
    if user is not None:
        memory.keep(digest, user)
    return user


def _customer_by_id(host: Host, customer_id: int) -> CustomerUser | None:
    """The customer's record: only after the host has said who is asking."""
    records = current_app.extensions["customer_records"]
    if (known := records.find(str(customer_id))) is not None:
        return known  # type: ignore[no-any-return]  # what this id was kept with
    try:
        user = CustomerUser(host.get_customer(customer_id))
    except HostRejected as error:
        if error.status not in _GONE:
            raise
        return None
    records.keep(str(customer_id), user)
    return user


def _load_staff() -> StaffUser | None:
    kept: dict[str, Any] | None = session.get(_STAFF_KEY)
    if kept is not None:
        # Bound to the host's session: who logs in after another in the same browser does not inherit the identity.
        if (kept["host"] == _digest(_host_cookie()) and datetime.fromisoformat(kept["until"]) > clock.now()
                and _is_logged_in_still(kept)):
            return StaffUser(kept["id"], kept["role"], kept["partner_id"], kept.get("name", ""))
        session.pop(_STAFF_KEY)
    cookie, memory = _host_cookie(), current_app.extensions["identities"]
    if not cookie:
        return None
    digest = _digest("staff " + cookie)
    if (known := memory.find(digest)) is not None:
        return known  # type: ignore[no-any-return]  # what this digest was kept with
    client = _core().host.client
    found = staff_of_session(client, cookie)
    if found is None:
        return None
    # A session tells who, not what they may: role and partner stand in the administrator's record.
    record = staff_record(client, found.id)
    user = StaffUser(found.id, "", NO_PARTNER) if record is None else _staff_user(record)
    memory.keep(digest, user)
    return user


def _is_logged_in_still(kept: dict[str, Any]) -> bool:
    """Whether the host's own session lives, asked anew every minute: a logout there ends the identity here.

    A host that never told about this session cannot tell of its end either; then the half hour is the bound.
    """
    cookie, memory = _host_cookie(), current_app.extensions["identities"]
    digest = _digest("alive " + cookie)
    if not cookie or kept.get("told") is False or memory.find(digest) is not None:
        return True
    try:
        found = staff_of_session(_core().host.client, cookie)
    except HostError:
        return True
    is_theirs = found is not None and found.id == kept["id"]
    if is_theirs:
        memory.keep(digest, StaffUser(kept["id"], kept["role"], kept["partner_id"]))
    if "told" not in kept:
        session[_STAFF_KEY] = kept | {"told": is_theirs}
        return True
    return is_theirs


def _staff_by_sash(sash: str) -> StaffUser | None:
    client = _core().host.client
    found = staff_of_sash(client, sash)
    return None if found is None else _staff_user(replace(found, name=_name_of(client, found.id)))


def _staff_user(found: Staff) -> StaffUser:
    return StaffUser(found.id, found.role, found.partner_id, found.name)


def _name_of(client: SplynxClient, staff_id: int) -> str:
    """The name that a sash does not tell: asked at most once in ten minutes, and nobody waits at the door for want of it."""
    names = current_app.extensions["staff_names"]
    if (known := names.find(str(staff_id))) is not None:
        return known  # type: ignore[no-any-return]  # what this id was kept with
    try:
        record = staff_record(client, staff_id)
    except HostError:
        record = None
    name = "" if record is None else record.name
    names.keep(str(staff_id), name)
    return name


def _to_login() -> ResponseReturnValue:
    """Redirect to the host's login; inside a frame show a page whose link (and script) moves the whole window."""
    door = "admin" if request.blueprint == "admin" else "portal"
    back = _way_back(door)
    if request.headers.get("Sec-Fetch-Dest") not in {"iframe", "frame"}:
        return redirect(login_address(door, back), 303)
    around = urlsplit(request.referrer or "")
    if around.netloc == request.host and around.path.startswith(f"/{door}/add-on"):  # the host's page that is nothing but us
        back = around.path + ("?" + around.query if around.query else "")
    return render_template("errors/login.html", address=login_address(door, back), door=door), 401


def _way_back(door: str) -> str:
    """The page that was wanted; of a form that was sent, the page it stands on. Always one that can be opened."""
    form_on = urlsplit(request.referrer or "")
    wanted = [(request.path, request.args.items(multi=True))]
    if form_on.netloc == request.host:
        wanted.append((form_on.path, parse_qsl(form_on.query)))
    pages = current_app.create_url_adapter(request)
    for path, values in wanted:
        if pages is not None and path.startswith("/ippay/") and pages.test(path, "GET"):
            rest = urlencode([(key, value) for key, value in values if key != "sash"])
            return path + ("?" + rest if rest else "")
    return "/ippay/admin/charge" if door == "admin" else "/ippay/credentials"
