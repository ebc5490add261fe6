"""The one table of business settings: one row a setting. The host's form, ``check``, the docs and the tests derive from it.

Must hold no rule about values beyond what a row can say; reading them is settings.py's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """One business setting: where it stands in the host's form and what it may be."""

    key: str
    block: str
    title: str
    description: str
    default: str = ""
    kind: str = "string"  # string, integer, decimal, boolean, select
    choices: tuple[tuple[str, str], ...] = ()
    relation: str = ""  # the host fills the select: PaymentMethod, PaymentAccount
    per_partner: bool = False
    secret: bool = False


BLOCKS = {
    "api": "API settings",
    "common_settings": "Setting",
    "pay_settings": "Pay Setting",
    "gateway": "Gateway",
    "bank_debits": "Bank debits",
    "payments": "Payments",
    "links": "Payment links",
    "mail": "Mail",
    "roles": "Roles of staff",
}

SETTINGS: tuple[Setting, ...] = (
    Setting("api_domain", "api", "API domain", "API domain (with http:// or https:// and last slash)"),
    Setting("api_key", "api", "API key", "API key"),
    Setting("api_secret", "api", "API secret", "API secret", secret=True),
    Setting("payment_account", "common_settings", "Payment account", "Select payment account", kind="integer",
            default="0", relation="PaymentAccount"),
    Setting("credit_card_payment_method", "common_settings", "Credit Card payment method", "Select payment method",
            kind="integer", default="0", relation="PaymentMethod"),
    Setting("bank_account_payment_method", "common_settings", "Bank Account payment method", "Select payment method",
            kind="integer", default="0", relation="PaymentMethod"),
    Setting("payment_type", "common_settings", "Payment type", "Set payment type: what customers may pay with",
            default="both", kind="select",
            choices=(("card", "Credit Card"), ("bank", "Bank Account"), ("both", "Credit Card and Bank Account"))),
    Setting("language", "common_settings", "Language", "Set language", default="en", kind="select",
            choices=(("en", "English"), ("fr", "Français"), ("es", "Español"))),
    Setting("terminal_id", "pay_settings", "Terminal ID", "[TerminalID] = your terminal ID, assigned by IPPay",
            per_partner=True),
    Setting("payment_statement_grouping", "pay_settings", "Payment statement grouping",
            "How payments are grouped together in Payment Statements", default="month", kind="select",
            choices=(("month", "Month"), ("day", "Day"))),
    Setting("environment", "gateway", "Environment", "Test moves no real money; payments of a test terminal are "
            "posted only to a Splynx that is marked as a sandbox", default="test", kind="select",
            choices=(("test", "Test"), ("production", "Production"))),
    Setting("sandbox_host", "gateway", "This Splynx is a sandbox", "Payments of the test terminal may be posted here",
            default="0", kind="boolean"),
    Setting("other_chargers_off", "gateway", "No other add-on charges through IPpay",
            "Needed before production: every other IPpay handler and automatic charge filter is switched off",
            default="0", kind="boolean"),
    Setting("currency", "gateway", "Currency", "Currency of the terminal, three letters", default="USD",
            per_partner=True),
    Setting("gateway_password", "gateway", "Gateway password", "Only if IPpay gave you one", per_partner=True,
            secret=True),
    Setting("reporting_merchant_id", "gateway", "Reporting login", "MerchantID of the IPpay reporting service; "
            "without it lost answers need a person", per_partner=True),
    Setting("reporting_password", "gateway", "Reporting password", "Password of the IPpay reporting service",
            per_partner=True, secret=True),
    Setting("gateway_contact", "gateway", N_("Contact at IPpay"), N_("Telephone and mail of your IPpay support, shown to staff where "
            "something is wrong")),
    Setting("enq_trust", "gateway", N_("Trust in enquiries"), N_("What an ENQ answer may prove: an approval, or nothing"),
            default="positive", kind="select", choices=(("positive", N_("An approval")), ("off", N_("Nothing")))),
    Setting("bank_posting", "bank_debits", N_("Post a bank debit"), N_("When an accepted bank debit becomes a payment in "
            "Splynx. Automatic: on settlement with a reporting login, else after the days below"), default="auto",
            kind="select", choices=(("auto", N_("Automatic")), ("on_settlement", N_("When it has settled")),
                                    ("after_n_days", N_("After a number of banking days")),
                                    ("on_acceptance", N_("At once (it may still come back)")))),
    Setting("bank_posting_days", "bank_debits", N_("Banking days to wait"), N_("For: after a number of banking days"),
            default="5", kind="integer"),
    Setting("bank_manual_routine", "bank_debits", "Returns are checked by hand",
            "Needed for bank debits without a reporting login: staff enter returned debits every day", default="0",
            kind="boolean"),
    Setting("undo_days", "bank_debits", "Delete returned payments up to", "Days: a returned debit's payment is deleted "
            "in Splynx while it is no older; after that staff are told the steps", default="31", kind="integer"),
    Setting("zip_code_option", "payments", "Ask for the ZIP code", "Card forms ask for the ZIP code of the billing "
            "address and require it", default="0", kind="boolean"),
    Setting("minimum_amount", "payments", "Smallest payment", "Smaller amounts are refused", default="1.00",
            kind="decimal"),
    Setting("maximum_amount", "payments", "Largest payment", "Larger amounts are refused, in every door",
            default="10000.00", kind="decimal"),
    Setting("part_payments", "payments", "Payments of a part", "Customers may pay a part of an invoice, and one amount for "
            "several of them, oldest first", default="0", kind="boolean"),
    Setting("part_minimum", "payments", "Smallest part", "Of one invoice; what is left may always be paid whole",
            default="10.00", kind="decimal"),
    Setting("topup_amounts", "payments", "Amounts to tap", "Shown as buttons on the page to add money, separated by "
            "commas; empty: none", default="25, 50, 100"),
    Setting("charges_in_flight", "payments", "Charges at a time", "How many charges of a run are under way at once",
            default="5", kind="integer"),
    Setting("post_search_minutes", "payments", "Wait before posting again", "Minutes after a posting without an "
            "answer before Splynx is searched a second time", default="5", kind="integer"),
    Setting("session_cookie", "payments", "Session cookie", "Name of Splynx's session cookie", default="PHPSESSID"),
    Setting("unsigned_saved_method", "links", "Saved method on unsigned links",
            "A link with only an id or number can be guessed, so paying with a saved method needs a login or a code sent "
            "by mail (proof). Splynx's own add-on pays at once (open)", default="proof", kind="select",
            choices=(("proof", "After login or a mailed code"), ("open", "At once"), ("off", "Never"))),
    Setting("link_days", "links", "Signed links are valid for", "Days; 0 means for ever", default="90",
            kind="integer"),
    Setting("links_in_documents", "links", "Write a link into each document",
            "Invoices and proforma invoices get their signed link in the additional field ippay_link, for the templates "
            "of Splynx's mails", default="1", kind="boolean"),
    Setting("smtp_host", "mail", "Mail server", "Name or address; without it no codes are mailed"),
    Setting("smtp_port", "mail", "Port of the mail server", "587 with STARTTLS, 465 with TLS, 25 without", default="587",
            kind="integer"),
    Setting("smtp_tls", "mail", "Encryption to the mail server", "Certificates are checked", default="starttls",
            kind="select", choices=(("starttls", "STARTTLS"), ("tls", "TLS from the start"), ("none", "None"))),
    Setting("smtp_user", "mail", "Login at the mail server", "Empty: no login"),
    Setting("smtp_password", "mail", "Password at the mail server", "Only with a login", secret=True),
    Setting("smtp_from", "mail", "Sender of mails", "Address customers see, for example billing@isp.example"),
    Setting("roles_view", "roles", "Roles that may look", "Roles of Splynx's administrators, separated by commas; * is "
            "everybody. Pages and files of payments; whoever may more may look, too", default="*"),
    Setting("roles_charge", "roles", "Roles that may charge", "Pay for a customer, make, start and stop a Charge, let "
            "automatic charging of a customer go on", default="*"),
    Setting("roles_refund", "roles", "Roles that may give money back", "Voids and refunds",
            default="super-administrator, administrator, financial-manager"),
    Setting("roles_configure", "roles", "Roles that may set up", "Settings, the log, who changed what, and releasing a "
            "stopped terminal", default="super-administrator, administrator"),
)
BY_KEY = {setting.key: setting for setting in SETTINGS}
