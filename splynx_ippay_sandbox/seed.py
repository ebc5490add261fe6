"""Fills the host with customers and documents, the same every time for the same seed and date.

``small`` has one of everything a test wants to look at, ``month`` is an ordinary month, ``large`` is for speed.
No card and no bank account is stored in the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from splynx_ippay_sandbox.host import finance

if TYPE_CHECKING:
    from splynx_ippay_sandbox.host.state import HostState
    from splynx_ippay_sandbox.host.table import Row

_FIRST = ("John", "Stacy", "George", "Roger", "Ashley", "Maria", "Ibrahim", "Chen", "Olga", "Pierre", "Aiko", "Lucía")
_LAST = ("Sway", "Pierce", "James", "Lopez", "Miller", "Novak", "Haddad", "Wei", "Petrova", "Dubois", "Tanaka", "García")
_CITIES = (("Denver", "80202"), ("Austin", "78701"), ("Boise", "83702"), ("Fargo", "58102"))
_SIZES = {"month": (200, 300), "large": (4000, 10000)}
_METHODS = ("Cash", "Bank transfer", "Credit card", "PayPal", "Other", "Refill card")
_CATEGORIES = ("Service", "Discount", "Payment", "Refund", "Correction")
DEFAULT, NORTH = 1, 2


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    partner: int = DEFAULT
    status: str = "active"
    category: str = "person"
    zip_code: str = "80202"


_SMALL = (
    _Person("John Sway"),
    _Person("O'Brien & Søns <b>", category="company"),
    _Person("Ashley Miller", zip_code="00001"),
    _Person("Nora North", partner=NORTH),
    _Person("Empty Pockets", status="blocked", zip_code=""),
)


def seed_host(state: HostState, kind: str) -> None:
    """Empty the host and fill it with the named seed."""
    state.empty()
    state.muted = True
    try:
        _offices(state)
        if kind == "small":
            _small(state)
        else:
            _many(state, *_SIZES[kind])
    finally:
        state.muted = False


def _offices(state: HostState) -> None:
    for name in ("Default", "North"):
        state.partners.insert({"name": name, "available_in_self_registration": "1"})
        state.locations.insert({"name": f"{name} location"})
    state.administrators.insert({"login": "admin", "name": "Ada Min", "email": "admin@isp.example", "partner_id": 0})
    state.administrators.insert({"login": "cleo", "name": "Cleo Reck", "email": "cleo@isp.example", "partner_id": 0,
                                 "role_name": "financial-manager"})
    state.passwords["admin", "admin"] = (1, "admin-of-the-sandbox")
    state.passwords["admin", "cleo"] = (2, "cleo-of-the-sandbox")
    for name in _CATEGORIES:
        state.categories.insert({"name": name})
    if not state.registry.account_kinds:
        state.registry.account_kinds[1] = {"title": "Direct debit", "fields": ["Mandate", "Account holder"]}
    if not len(state.methods):
        for name in _METHODS:
            state.methods.insert({"name": name})


def _customer(state: HostState, person: _Person, city: str = "Denver") -> Row:
    number = len(state.customers) + 1
    row = state.customers.insert({
        "login": f"{number:06d}", "name": person.name, "email": f"customer{number}@mail.example", "status": person.status,
        "billing_email": f"customer{number}@mail.example", "partner_id": person.partner, "location_id": person.partner,
        "category": person.category, "street_1": f"{number} Main Street", "zip_code": person.zip_code, "city": city,
        "phone": f"555-01{number % 100:02d}", "date_add": state.today(), "last_update": state.stamp(), "added_by": "admin",
    })
    state.billing.insert({"id": row["id"], "customer_id": row["id"], "partner_id": person.partner})
    state.passwords["customer", row["login"]] = (row["id"], f"portal-{number:06d}")
    return row


def _invoice(state: HostState, customer: Row, cents: int, days_ago: int, kind: str = "recurring") -> Row:
    day = state.now().date() - timedelta(days=days_ago)
    number = finance.next_number(state, "invoice", customer["partner_id"], "{year}{partner:02d}{next:06d}")
    row = state.invoices.insert({
        "customer_id": customer["id"], "number": number, "total": cents, "due": cents, "type": kind,
        "date_created": day.isoformat(), "date_till": (day + timedelta(days=15)).isoformat(), "date_updated": day.isoformat(),
        "real_create_datetime": f"{day.isoformat()} 06:00:00", "is_sent": "1", "items": [_item("Internet 100 Mbit/s", cents)],
    })
    finance.bill(state, row)
    return row


def _request(state: HostState, customer: Row, cents: int, days_ago: int) -> Row:
    day = state.now().date() - timedelta(days=days_ago)
    return state.requests.insert({
        "customer_id": customer["id"], "number": finance.next_number(state, "request", DEFAULT, "{year}{next:06d}"),
        "total": cents, "date_created": day.isoformat(), "date_till": (day + timedelta(days=15)).isoformat(),
        "date_updated": day.isoformat(), "real_create_datetime": f"{day.isoformat()} 06:00:00",
        "items": [_item("Installation", cents)],
    })


def _item(description: str, cents: int) -> Row:
    return {
        "id": 1, "pos": 1, "description": description, "quantity": 1, "unit": "0", "price": f"{cents // 100}.{cents % 100:02d}00",
        "tax": "0.0000", "tax_amount": 0.0, "period_from": "0000-00-00", "period_to": "0000-00-00", "transaction_id": 0,
        "categoryIdForTransaction": 1, "tax_id": 0, "sub_account_id": 0,
    }


def _pay(state: HostState, invoice: Row, cents: int, method: int = 1) -> None:
    payment = state.payments.insert({
        "customer_id": invoice["customer_id"], "invoice_id": invoice["id"], "payment_type": method, "amount": cents,
        "date": invoice["date_created"], "real_create_datetime": state.stamp(), "updated_at": state.stamp(), "added_by": "admin",
    })
    finance.apply_payment(state, payment)


def _small(state: HostState) -> None:
    john, obrien, ashley, nora, blocked = [_customer(state, person) for person in _SMALL]
    paid = _invoice(state, john, 4500, 40)
    for cents in (1500, 12000, 7500):
        _invoice(state, john, cents, 5)
    _pay(state, paid, 4500)
    _invoice(state, obrien, 9999, 20, "one_time")
    partly = _invoice(state, obrien, 12000, 10)
    _pay(state, partly, 5000, 2)
    _invoice(state, ashley, 10000, 3, "one_time")
    _invoice(state, nora, 6500, 2)
    _invoice(state, blocked, 2500, 70)
    gone = _invoice(state, ashley, 3300, 30)
    _delete(state, gone)
    _request(state, john, 5000, 4)
    _request(state, ashley, 20000, 1)


def _delete(state: HostState, invoice: Row) -> None:
    for transaction in state.transactions.where(invoice_id=invoice["id"]):
        finance.unbook(state, transaction)
    state.invoices.update(invoice, {"deleted": "1", "status": "deleted"})


def _many(state: HostState, customers: int, invoices: int) -> None:
    random = Random(f"{customers}/{invoices}")
    people = []
    for place in range(customers):
        city, zip_code = _CITIES[place % len(_CITIES)]
        name = f"{random.choice(_FIRST)} {random.choice(_LAST)}"
        partner = NORTH if place % 10 == 9 else DEFAULT
        people.append(_customer(state, _Person(name, partner=partner, zip_code=zip_code), city))
    for place in range(invoices):
        _invoice(state, people[place % customers], random.randrange(1000, 25000), random.randrange(28))
    for place in range(min(customers // 20, 50)):
        _request(state, people[place], random.randrange(1000, 25000), random.randrange(28))
