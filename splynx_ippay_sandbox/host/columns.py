"""The columns of every resource, as public payloads of Splynx show them.

One table a resource: what may be written, what is required, what a new row gets. Nothing else is declared twice.
"""

from __future__ import annotations

from splynx_ippay_sandbox.host.fields import ZERO_DATE, ZERO_TIME, Field

_ID = Field("int", 0, writable=False)
_NAME = Field("text", required=True, limit=255)
_TEXT = Field("text")
_SHORT = Field("text", limit=255)
_FLAG = Field("flag", "0")
_DATE = Field("date", ZERO_DATE)
_ADDED = {"added_by": Field("text", "api", writable=False), "added_by_id": Field("int", 1, writable=False)}
_ATTRIBUTES = {"additional_attributes": Field("object", {})}
_SHOWN = Field("text", "", writable=False)
_MOMENT = Field("time", ZERO_TIME, writable=False)

CUSTOMER = {
    "id": _ID, "billing_type": Field("text", "recurring", choices=("recurring", "prepaid", "prepaid_monthly")),
    "partner_id": Field("int", 1, required=True), "location_id": Field("int", 1, required=True), **_ADDED,
    "login": Field("text", required=True, limit=64), "category": Field("text", "person", choices=("person", "company")),
    "password": Field("text"), "name": _NAME, "email": _SHORT, "billing_email": _SHORT, "phone": _SHORT,
    "street_1": _SHORT, "street_2": _SHORT, "zip_code": _SHORT, "city": _SHORT,
    "status": Field("text", "new", choices=("new", "active", "blocked", "disabled")),
    "date_add": _DATE, "last_online": Field("time", ZERO_TIME), "last_update": _MOMENT,
    "daily_prepaid_cost": Field("decimal", 0), "gps": _SHORT, "conversion_date": _DATE, "mrr_total": Field("decimal", 0),
    "gdpr_agreed": _FLAG, "prepaid_monthly_costs": Field("decimal", 0), "prepaid_expiration_date": _DATE,
    "prepaid_remains_days": Field("int", 0), **_ATTRIBUTES,
}

BILLING = {
    "customer_id": Field("int", 0, writable=False), "enabled": Field("flag", "1"), "type": Field("text", "1"),
    "deposit": Field("decimal", 0), "billing_date": Field("int", 1), "billing_due": Field("int", 15),
    "blocking_period": Field("int", 15), "grace_period": Field("int", 15), "make_invoices": Field("flag", "1"),
    "payment_method": Field("text", "1"), "min_balance": Field("decimal", 0), "request_auto_enable": _FLAG,
    "request_auto_day": Field("int", 1), "request_auto_period": Field("int", 1), "request_auto_type": Field("text", "1"),
    "request_auto_next": _DATE, "reminder_enable": _FLAG, "reminder_day_1": Field("int", 5),
    "reminder_day_2": Field("int", 0), "reminder_day_3": Field("int", 0), "reminder_payment": Field("text", "0"),
    "reminder_payment_value": Field("decimal", 0), "reminder_payment_comment": _TEXT, "reminder_type": Field("text", "0"),
    "billing_person": _SHORT, "billing_street_1": _SHORT, "billing_street_2": _SHORT, "billing_zip_code": _SHORT,
    "billing_city": _SHORT, "partner_id": Field("int", 1), "partner_percent": Field("decimal", 0),
    "send_finance_notification": Field("flag", "1"), "blocking_date": _DATE, "month_price": Field("decimal", 0),
    "deleted": _FLAG,
}

_DOCUMENT = {
    "id": _ID, "customer_id": Field("int", 0, required=True), "date_created": _DATE, "real_create_datetime": _MOMENT,
    "date_updated": Field("date", ZERO_DATE, writable=False), "date_payment": _DATE, "date_till": _DATE,
}
_STATUS = Field("text", "not_paid", choices=("not_paid", "paid", "pending", "deleted"))

INVOICE = {
    **_DOCUMENT, "use_transactions": Field("flag", "1"), "note": _TEXT, "memo": _TEXT, "number": _SHORT,
    "total": Field("money", 0, writable=False), "due": Field("money", 0, writable=False), "payment_id": Field("int", 0),
    "type": Field("text", "one_time", choices=("recurring", "one_time")), "payd_from_deposit": _FLAG, "status": _STATUS,
    "is_sent": _FLAG, "disable_cache": _FLAG, "deleted": _FLAG, **_ADDED, **_ATTRIBUTES,
    "items": Field("list", [], required=True),
}

REQUEST = {
    **_DOCUMENT, "number": _SHORT, "total": Field("money", 0, writable=False), "payment_id": Field("int", 0),
    "status": Field("text", "not_paid", choices=("not_paid", "paid", "pending")), "is_sent": _FLAG, "note": _TEXT,
    "memo": _TEXT, "is_crm_request": _FLAG, "deleted": _FLAG, **_ADDED, **_ATTRIBUTES, "items": Field("list", [], required=True),
}

PAYMENT = {
    "id": _ID, "customer_id": Field("int", 0, required=True), "invoice_id": Field("optional_int", None),
    "request_id": Field("optional_int", None), "credit_note_id": Field("optional_int", None),
    "transaction_id": Field("optional_int", None, writable=False), "payment_type": Field("int", 1, required=True),
    "receipt_number": _SHORT, "date": Field("date", ZERO_DATE, required=True), "real_create_datetime": _MOMENT,
    "amount": Field("money", 0, required=True), "remind_amount": Field("decimal", 0, writable=False), "comment": _TEXT,
    "note": _TEXT, "memo": _TEXT, "is_sent": _FLAG, "field_1": _SHORT, "field_2": _SHORT, "field_3": _SHORT,
    "field_4": _SHORT, "field_5": _SHORT, "deleted": Field("flag", "0", writable=False), **_ADDED,
    "updated_at": _MOMENT, **_ATTRIBUTES,
}

TRANSACTION = {
    "id": _ID, "customer_id": Field("int", 0, required=True),
    "type": Field("text", "debit", required=True, choices=("debit", "credit")), "quantity": Field("int", 1), "unit": _SHORT,
    "price": Field("decimal", 0), "tax_percent": Field("decimal", 0), "tax_id": Field("int", 0),
    "total": Field("decimal", 0), "remind_amount": Field("decimal", 0, writable=False), "date": _DATE,
    "category": Field("int", 1, required=True), "description": _SHORT, "period_from": _DATE, "period_to": _DATE,
    "service_id": Field("int", 0), "service_type": _SHORT, "payment_id": Field("optional_int", None, writable=False),
    "credit_note_id": Field("optional_int", None, writable=False), "invoice_id": Field("optional_int", None),
    "invoiced_by_id": Field("optional_int", None), "comment": _TEXT, "to_invoice": _FLAG,
    "source": Field("text", "manual", writable=False), "deleted": Field("flag", "0", writable=False), "updated_at": _MOMENT,
}

PAYMENT_METHOD = {
    "id": _ID, "name": _NAME, "is_active": Field("flag", "1"), "name_1": _SHORT, "name_2": _SHORT, "name_3": _SHORT,
    "name_4": _SHORT, "name_5": _SHORT,
}
PARTNER = {"id": _ID, "name": _NAME, "deleted": _FLAG, "available_in_self_registration": _FLAG}
LOCATION = {"id": _ID, "name": _NAME, "deleted": _FLAG}
CATEGORY = {"id": _ID, "name": _NAME}
ADMINISTRATOR = {
    "id": _ID, "login": Field("text", required=True, limit=64), "name": _NAME, "email": _SHORT, "phone": _SHORT,
    "partner_id": Field("int", 0), "role_name": Field("text", "super-administrator"), "last_ip": _SHOWN,
}

STATEMENT = {
    "id": _ID, "title": _NAME, "date_time": _MOMENT,
    "status": Field("text", "success", choices=("new", "success", "error", "processing")),
}
RECORD = {
    "id": _ID, "bank_statements_process_id": Field("int", 0, required=True), "amount": Field("money", 0, required=True),
    "status": Field("text", "new", choices=("new", "processed", "error", "canceled", "pending", "ignored")),
    "customer_id": Field("optional_int", None), "invoice_id": Field("optional_int", None),
    "request_id": Field("optional_int", None), "payment_id": Field("optional_int", None),
    "transaction_id": Field("optional_int", None), "payment_date": _DATE, "comment": _TEXT, "field_1": _SHORT,
    "field_2": _SHORT, "field_3": _SHORT, "field_4": _SHORT, "field_5": _SHORT,
}
PAYMENT_ACCOUNT = {
    "customer_id": Field("int", 0, writable=False), "account_id": Field("int", 0, writable=False),
    **{f"field_{number}": Field("text", limit=1024) for number in range(1, 11)},
}
