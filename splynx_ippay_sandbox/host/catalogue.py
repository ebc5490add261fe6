"""Which paths the API has, with the table, the permission controller and the event subject of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splynx_ippay_sandbox.host.customer_resources import Billing, Customers, PaymentAccounts
from splynx_ippay_sandbox.host.finance_resources import Invoices, Payments, Records, Requests, Statements, Transactions
from splynx_ippay_sandbox.host.resources import Resource

if TYPE_CHECKING:
    from splynx_ippay_sandbox.host.state import HostState


def catalogue(state: HostState) -> dict[str, Resource]:
    """Return every resource by its path."""
    customers, finance, administration = "admin\\customers\\", "admin\\finance\\", "admin\\administration\\"
    return {
        "admin/customers/customer": Customers(state, state.customers, f"{customers}Customer", "customer"),
        "admin/customers/customer-billing": Billing(state, state.billing, f"{customers}CustomerBilling", "customer_billing"),
        "admin/customers/customer-payment-accounts": PaymentAccounts(
            state, state.accounts, f"{customers}CustomerPaymentAccounts"
        ),
        "admin/finance/invoices": Invoices(state, state.invoices, f"{finance}Invoices", "invoice"),
        "admin/finance/requests": Requests(state, state.requests, f"{finance}Requests", "proforma"),
        "admin/finance/payments": Payments(state, state.payments, f"{finance}Payments", "payment"),
        "admin/finance/transactions": Transactions(state, state.transactions, f"{finance}Transactions", "transaction"),
        "admin/finance/transaction-categories": Resource(state, state.categories, f"{finance}TransactionCategories"),
        "admin/finance/payment-methods": Resource(state, state.methods, f"{finance}PaymentMethods"),
        "admin/finance/bank-statements": Statements(state, state.statements, f"{finance}BankStatements", "bank_statement"),
        "admin/finance/bank-statements-records": Records(state, state.records, f"{finance}BankStatementsRecords"),
        "admin/administration/partners": Resource(state, state.partners, f"{administration}Partners"),
        "admin/administration/locations": Resource(state, state.locations, f"{administration}Locations"),
        "admin/administration/administrators": Resource(state, state.administrators, f"{administration}Administrators"),
    }
