"""The one table of business settings: one row a setting. The host's form, ``check``, the docs and the tests derive from it.

Must hold no rule about values beyond what a row can say; reading them is settings.py's.
"""

from __future__ import annotations

from dataclasses import dataclass

from splynx_ippay.base.marks import N_


@dataclass(frozen=True)
class Setting:
    """One business setting: where it stands in the host's form and what it may be."""

    key: str
    block: str
    title: str
    description: str
    default: str = ""
    kind: str = "string"  # string, integer, decimal, boolean, select, days (of the month)
    choices: tuple[tuple[str, str], ...] = ()
    relation: str = ""  # the host fills the select: PaymentMethod, PaymentAccount
    per_partner: bool = False
    secret: bool = False


BLOCKS = {
    "api": N_("API settings"),
    "common_settings": N_("Setting"),
    "pay_settings": N_("Pay Setting"),
    "gateway": N_("Gateway"),
    "bank_debits": N_("Bank debits"),
    "payments": N_("Payments"),
    "card_fee": N_("Card fee"),
    "links": N_("Payment links"),
    "mail": N_("Mail"),
    "roles": N_("Roles of staff"),
    "brand": N_("Look of the customers' pages"),
}

SETTINGS: tuple[Setting, ...] = (
    Setting("api_domain", "api", N_("API domain"), N_("API domain (with http:// or https:// and last slash)")),
    Setting("api_key", "api", N_("API key"), N_("API key")),
    Setting("api_secret", "api", N_("API secret"), N_("API secret"), secret=True),
    Setting("payment_account", "common_settings", N_("Payment account"), N_("Select payment account"), kind="integer",
            default="0", relation="PaymentAccount"),
    Setting("payment_account_fields", "common_settings", N_("Fields of the payment account"),
            N_("What staff see of the card and bank account that is charged first. Known: brand, holder, last_four, expiry, "
            "postal_code, account, routing, account_name, account_type; empty: nothing is written"),
            default="field_2=holder, field_3=last_four, field_4=expiry, field_5=postal_code, field_6=account, "
                    "field_7=routing, field_8=account_name, field_9=account_type"),
    Setting("credit_card_payment_method", "common_settings", N_("Credit Card payment method"), N_("Select payment method"),
            kind="integer", default="0", relation="PaymentMethod"),
    Setting("bank_account_payment_method", "common_settings", N_("Bank Account payment method"), N_("Select payment method"),
            kind="integer", default="0", relation="PaymentMethod"),
    Setting("payment_type", "common_settings", N_("Payment type"), N_("Set payment type: what customers may pay with"),
            default="both", kind="select",
            choices=(("card", N_("Credit Card")), ("bank", N_("Bank Account")), ("both", N_("Credit Card and Bank Account")))),
    Setting("language", "common_settings", N_("Language"), N_("Set language"), default="en", kind="select",
            choices=(("en", "English"), ("fr", "Français"), ("es", "Español"))),
    Setting("terminal_id", "pay_settings", N_("Terminal ID"), N_("[TerminalID] = your terminal ID, assigned by IPPay"),
            per_partner=True),
    Setting("payment_statement_grouping", "pay_settings", N_("Payment statement grouping"),
            N_("How payments are grouped together in Payment Statements"), default="month", kind="select",
            choices=(("month", N_("Month")), ("day", N_("Day")))),
    Setting("environment", "gateway", N_("Environment"), N_("Test moves no real money; payments of a test terminal are "
            "posted only to a Splynx that is marked as a sandbox"), default="test", kind="select",
            choices=(("test", N_("Test")), ("production", N_("Production")))),
    Setting("sandbox_host", "gateway", N_("This Splynx is a sandbox"), N_("Payments of the test terminal may be posted here"),
            default="0", kind="boolean"),
    Setting("other_chargers_off", "gateway", N_("No other add-on charges through IPpay"),
            N_("Needed before production: every other IPpay handler and automatic charge filter is switched off"),
            default="0", kind="boolean"),
    Setting("currency", "gateway", N_("Currency"), N_("Currency of the terminal, three letters"), default="USD",
            per_partner=True),
    Setting("gateway_password", "gateway", N_("Gateway password"), N_("Only if IPpay gave you one"), per_partner=True,
            secret=True),
    Setting("reporting_merchant_id", "gateway", N_("Reporting login"), N_("MerchantID of the IPpay reporting service; "
            "without it lost answers need a person"), per_partner=True),
    Setting("reporting_password", "gateway", N_("Reporting password"), N_("Password of the IPpay reporting service"),
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
    Setting("bank_manual_routine", "bank_debits", N_("Returns are checked by hand"),
            N_("Needed for bank debits without a reporting login: staff enter returned debits every day"), default="0",
            kind="boolean"),
    Setting("undo_days", "bank_debits", N_("Delete returned payments up to"), N_("Days: a returned debit's payment is deleted "
            "in Splynx while it is no older; after that staff are told the steps"), default="31", kind="integer"),
    Setting("zip_code_option", "payments", N_("Ask for the ZIP code"), N_("Card forms ask for the ZIP code of the billing "
            "address and require it"), default="0", kind="boolean"),
    Setting("minimum_amount", "payments", N_("Smallest payment"), N_("Smaller amounts are refused"), default="1.00",
            kind="decimal"),
    Setting("maximum_amount", "payments", N_("Largest payment"), N_("Larger amounts are refused, in every door"),
            default="10000.00", kind="decimal"),
    Setting("part_payments", "payments", N_("Payments of a part"), N_("Customers may pay a part of an invoice, and one amount for "
            "several of them, oldest first"), default="0", kind="boolean"),
    Setting("part_minimum", "payments", N_("Smallest part"), N_("Of one invoice; what is left may always be paid whole"),
            default="10.00", kind="decimal"),
    Setting("topup_amounts", "payments", N_("Amounts to tap"), N_("Shown as buttons on the page to add money, separated by "
            "commas; empty: none"), default="25, 50, 100"),
    Setting("staff_topup", "payments", N_("Staff add money"), N_("Staff who may charge can put money on a customer's account "
            "with a saved card or bank account. Ask the customer first"), default="0", kind="boolean"),
    Setting("backup_method", "payments", N_("Backup method"), N_("Customers may mark one saved card or account as backup: a "
            "Charge tries it once where the bank declines the default for now. Never after an unclear outcome"), default="0",
            kind="boolean"),
    Setting("charges_in_flight", "payments", N_("Charges at a time"), N_("How many charges of a run are under way at once"),
            default="5", kind="integer"),
    Setting("post_search_minutes", "payments", N_("Wait before posting again"), N_("Minutes after a posting without an "
            "answer before Splynx is searched a second time"), default="5", kind="integer"),
    Setting("session_cookie", "payments", N_("Session cookie"), N_("Name of Splynx's session cookie"), default="PHPSESSID"),
    Setting("card_fee_percent", "card_fee", N_("Card fee in percent"), N_("Added to what a customer pays by card in the portal or "
            "by a link; 0: none, at most 3 (the card networks' limit). Ask a lawyer first: some states forbid or limit it, the "
            "networks allow it on credit cards only, and IPpay does not tell a credit card from a debit card. The "
            "networks and your bank want 30 days' notice. Bank accounts, Charges and payments staff make never carry a fee"),
            default="0", kind="decimal"),
    Setting("card_fee_fixed", "card_fee", N_("Fixed part of the card fee"), N_("An amount for each payment by card, added to the "
            "percentage; 0: none. Card networks call a fixed amount a convenience fee and have rules of their own for it"),
            default="0.00", kind="decimal"),
    Setting("card_fee_maximum", "card_fee", N_("Largest card fee"), N_("The fee is never more than this, before its tax; 0: no "
            "limit"), default="0.00", kind="decimal"),
    Setting("card_fee_tax_percent", "card_fee", N_("Tax on the card fee in percent"), N_("Added to the fee and shown as a part of "
            "it; the transaction in Splynx carries this percentage"), default="0", kind="decimal"),
    Setting("card_fee_category", "card_fee", N_("Transaction category of the card fee"), N_("The category in Splynx under "
            "which the fee is charged to the customer (Config → Finance → Transaction categories)"), default="5", kind="integer"),
    Setting("card_fee_name", "card_fee", N_("Name of the card fee"), N_("What customers read on pages, receipts and in Splynx; empty: "
            "Card fee, in their language")),
    Setting("unsigned_saved_method", "links", N_("Saved method on unsigned links"),
            N_("A link with only an id or number can be guessed, so paying with a saved method should need a login or a code "
            "sent by mail. Splynx's own add-on pays at once"), default="proof", kind="select",
            choices=(("proof", N_("After login or a mailed code")), ("open", N_("At once")), ("off", N_("Never")))),
    Setting("link_days", "links", N_("Signed links are valid for"), N_("Days; 0 means for ever"), default="90",
            kind="integer"),
    Setting("links_in_documents", "links", N_("Write a link into each document"),
            N_("Invoices and proforma invoices get their signed link in the additional field ippay_link, for the templates "
            "of Splynx's mails"), default="1", kind="boolean"),
    Setting("smtp_host", "mail", N_("Mail server"), N_("Name or address; without it nothing is mailed")),
    Setting("smtp_port", "mail", N_("Port of the mail server"), N_("587 with STARTTLS, 465 with TLS, 25 without"), default="587",
            kind="integer"),
    Setting("smtp_tls", "mail", N_("Encryption to the mail server"), N_("Certificates are checked"), default="starttls",
            kind="select", choices=(("starttls", N_("STARTTLS")), ("tls", N_("TLS from the start")), ("none", N_("None")))),
    Setting("smtp_user", "mail", N_("Login at the mail server"), N_("Empty: no login")),
    Setting("smtp_password", "mail", N_("Password at the mail server"), N_("Only with a login"), secret=True),
    Setting("smtp_from", "mail", N_("Sender of mails"), N_("Address customers see, for example billing@isp.example")),
    Setting("mail_contact", "mail", N_("Contact in mails"), N_("How customers reach you, in one line; it stands under every mail, and "
            "it is where an authorization of bank debits can be withdrawn"), per_partner=True),
    Setting("mail_receipts", "mail", N_("Receipts by mail"), N_("Customers get a mail when a payment went through, when a bank debit "
            "was accepted, settled or came back, and when a payment was cancelled. Needs the mail server; Splynx may send "
            "receipts of its own, too"), default="1", kind="boolean"),
    Setting("mail_declines", "mail", N_("Mail after a declined Charge"), N_("A customer whose payment a Charge could not take gets a "
            "mail with the reason and a link to pay with another card or account, once for each debt and kind of refusal. "
            "Needs the mail server"), default="1", kind="boolean"),
    Setting("expiry_notice_days", "mail", N_("Notices before a card expires"), N_("Days of the month, separated by commas: in its "
            "last month a customer whom Charges take from gets a mail on each of them, and one once the card has expired. "
            "Empty: none. Needs the mail server"), default="7, 21", kind="days"),
    Setting("roles_view", "roles", N_("Roles that may look"), N_("Roles of Splynx's administrators, separated by commas; * is "
            "everybody. Pages and files of payments; whoever may more may look, too"), default="*"),
    Setting("roles_charge", "roles", N_("Roles that may charge"), N_("Pay for a customer, make, start and stop a Charge, let "
            "automatic charging of a customer go on"), default="*"),
    Setting("roles_refund", "roles", N_("Roles that may decide about money"), N_("Deciding what became of a payment in doubt: that can free a debt, or take a payment back in Splynx"),
            default="super-administrator, administrator, financial-manager"),
    Setting("roles_configure", "roles", N_("Roles that may set up"), N_("Settings, the log, who changed what, and releasing a "
            "stopped terminal"), default="super-administrator, administrator"),
    Setting("brand_name", "brand", N_("Name"), N_("Who is paid, on pages, receipts and authorizations; empty: the partner's name "
            "in Splynx"), per_partner=True),
    Setting("brand_color", "brand", N_("Colour"), N_("Of the buttons, for example #1a5fb4; white words must be readable on it. "
            "Empty: Splynx's green"), per_partner=True),
    Setting("brand_title_en", "brand", N_("Page title in English"), N_("Stands in the browser's title bar"), per_partner=True),
    Setting("brand_title_fr", "brand", N_("Page title in French"), N_("Stands in the browser's title bar"), per_partner=True),
    Setting("brand_title_es", "brand", N_("Page title in Spanish"), N_("Stands in the browser's title bar"), per_partner=True),
)
BY_KEY = {setting.key: setting for setting in SETTINGS}
