"""Settings. Owns the one table of them; the host's form, ``check``, the docs and the tests derive from it.

Two homes, never both: business settings live in the host's module form (``<addon_dir>/config/config.ini.php``);
the add-on's own ini file and environment hold what the machine needs (database, key file, addresses). A business
setting may be overridden in the ini file's ``[settings]`` section; such an override is shown read-only. Files are
looked at on every use and read again when they change, so that a new value works without a restart.
"""

from __future__ import annotations

import configparser
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import ConfigError
from splynx_ippay.base.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping

MODULE = "splynx_ippay_addon"
MODULE_TITLE = "Splynx Ippay Billing Add-On"
DEFAULT_INI = "/etc/splynx-ippay/splynx-ippay.ini"
_ENVIRONMENT_PREFIX = "SPLYNX_IPPAY_"


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
    Setting("enq_trust", "gateway", "Trust in enquiries", "What an ENQ answer may prove: an approval, or nothing",
            default="positive", kind="select", choices=(("positive", "An approval"), ("off", "Nothing"))),
    Setting("bank_posting", "bank_debits", "Post a bank debit", "When an accepted bank debit becomes a payment in "
            "Splynx. Automatic: on settlement with a reporting login, else after the days below", default="auto",
            kind="select", choices=(("auto", "Automatic"), ("on_settlement", "When it has settled"),
                                    ("after_n_days", "After a number of banking days"),
                                    ("on_acceptance", "At once (it may still come back)"))),
    Setting("bank_posting_days", "bank_debits", "Banking days to wait", "For: after a number of banking days",
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
    Setting("unsigned_saved_method", "payments", "Saved method on unsigned links",
            "A link with only an id or number can be guessed, so paying with a saved method needs a login (proof). "
            "Splynx's own add-on pays at once (open)", default="proof", kind="select",
            choices=(("proof", "After login"), ("open", "At once"), ("off", "Never"))),
    Setting("link_days", "payments", "Signed links are valid for", "Days; 0 means for ever", default="90",
            kind="integer"),
    Setting("charges_in_flight", "payments", "Charges at a time", "How many charges of a run are under way at once",
            default="5", kind="integer"),
    Setting("post_search_minutes", "payments", "Wait before posting again", "Minutes after a posting without an "
            "answer before Splynx is searched a second time", default="5", kind="integer"),
    Setting("session_cookie", "payments", "Session cookie", "Name of Splynx's session cookie", default="PHPSESSID"),
)
BY_KEY = {setting.key: setting for setting in SETTINGS}


@dataclass(frozen=True)
class Deployment:
    """What this machine needs to run the add-on: the ini file's ``[splynx-ippay]`` section, the environment above it."""

    database_url: str = "sqlite:////var/lib/splynx-ippay/splynx-ippay.sqlite3"
    key_file: Path = Path("/etc/splynx-ippay/keys")
    spool_dir: Path = Path("/var/lib/splynx-ippay/spool")
    listen: str = "127.0.0.1:8097"
    addon_dir: Path = Path("/var/www/splynx/addons/splynx-ippay")
    addon_cli: Path = Path("/var/www/splynx/system/script/addon")
    gateway_url: str = ""  # "" = IPpay's own, by environment
    report_url: str = ""
    ca_file: str = ""
    log_level: str = "INFO"
    overrides: Mapping[str, str] = field(default_factory=dict)
    ini_file: Path = Path(DEFAULT_INI)

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Deployment:
        """Read the ini file named in ``SPLYNX_IPPAY_INI`` (or the default) and the environment. Raises ConfigError."""
        environ = os.environ if environ is None else environ
        path = Path(environ.get(_ENVIRONMENT_PREFIX + "INI", DEFAULT_INI))
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(path, encoding="utf-8")
        except configparser.Error as error:
            raise ConfigError(f"{path}: {type(error).__name__}; each line is a [section] or key = value") from None
        values: dict[str, str] = dict(parser["splynx-ippay"]) if parser.has_section("splynx-ippay") else {}
        overrides = dict(parser["settings"]) if parser.has_section("settings") else {}
        texts = {"database_url", "listen", "gateway_url", "report_url", "ca_file", "log_level"}
        paths = {"key_file", "spool_dir", "addon_dir", "addon_cli"}
        for known in texts | paths:
            if _ENVIRONMENT_PREFIX + known.upper() in environ:
                values[known] = environ[_ENVIRONMENT_PREFIX + known.upper()]
        if unknown := sorted(set(values) - texts - paths) + sorted(set(overrides) - set(BY_KEY)):
            raise ConfigError(f"{path}: unknown setting {unknown[0]!r}; see the comments of the file shipped")
        arguments: dict[str, object] = {key: Path(value) if key in paths else value for key, value in values.items()}
        return cls(**arguments, overrides=overrides, ini_file=path)  # type: ignore[arg-type]


@dataclass(frozen=True)
class TerminalSettings:
    """Everything a charge on one partner's terminal needs."""

    terminal_id: str
    environment: str
    currency: str
    password: str = field(repr=False, default="")
    reporting_merchant_id: str = ""
    reporting_password: str = field(repr=False, default="")

    @property
    def can_report(self) -> bool:
        """Whether lost answers and returns can be read from the gateway's reports."""
        return bool(self.reporting_merchant_id and self.reporting_password)


class Settings:
    """The business settings, read from the host's file, with the ini file's overrides."""

    def __init__(self, config_file: Path, overrides: Mapping[str, str] | None = None) -> None:
        """``config_file`` is the host's ``config.ini.php``; it may not exist yet."""
        self._file, self._overrides = config_file, dict(overrides or {})
        self._stamp: tuple[int, int, int] | None = None
        self._sections: dict[str, dict[str, str]] = {}

    @classmethod
    def of(cls, deployment: Deployment) -> Settings:
        """The settings of a deployment."""
        return cls(deployment.addon_dir / "config" / "config.ini.php", deployment.overrides)

    def text(self, key: str, partner_id: int | None = None) -> str:
        """The value as text: override, then the partner's own, then the default partner's, then the table's default."""
        setting = BY_KEY[key]
        if key in self._overrides:
            return self._overrides[key]
        self._refresh()
        sections = [str(partner_id)] if setting.per_partner and partner_id else []
        for section in [*sections, "default_partners_settings", "common"]:
            if key in self._sections.get(section, {}):
                return self._sections[section][key]
        return setting.default

    def integer(self, key: str) -> int:
        """The value as a whole number. Raises ConfigError naming the setting."""
        try:
            return int(self.text(key) or "0")
        except ValueError:
            raise ConfigError(f"the setting {BY_KEY[key].title!r} must be a whole number") from None

    def money(self, key: str, currency: str) -> Money:
        """The value as an amount. Raises ConfigError naming the setting."""
        try:
            found = Money.from_host(self.text(key).strip() or "0", currency)
        except ValueError:
            found = None
        if found is None or found.cents < 0:
            raise ConfigError(f"the setting {BY_KEY[key].title!r} must be an amount, for example 25.00")
        return found

    def flag(self, key: str) -> bool:
        """The value as yes or no; the host writes 1 and 0."""
        return self.text(key).strip().lower() in {"1", "true", "yes", "on"}

    def choice(self, key: str) -> str:
        """The value of a select. Raises ConfigError when the file holds something else."""
        value, setting = self.text(key), BY_KEY[key]
        if value not in {name for name, _ in setting.choices}:
            raise ConfigError(f"the setting {setting.title!r} must be one of: "
                              + ", ".join(name for name, _ in setting.choices))
        return value

    def terminal(self, partner_id: int) -> TerminalSettings:
        """The terminal of a partner. Raises ConfigError when it has none, or none of the settings fit."""
        terminal_id = self.text("terminal_id", partner_id).strip()
        if not terminal_id:
            raise ConfigError(f"partner {partner_id} has no Terminal ID; enter it in the add-on's settings in Splynx")
        currency = self.text("currency", partner_id).strip().upper()
        if len(currency) != 3 or not currency.isascii() or not currency.isalpha():  # noqa: PLR2004 - ISO 4217
            raise ConfigError("the setting 'Currency' must be three letters, for example USD")
        return TerminalSettings(
            terminal_id=terminal_id, environment=self.choice("environment"), currency=currency,
            password=self.text("gateway_password", partner_id),
            reporting_merchant_id=self.text("reporting_merchant_id", partner_id).strip(),
            reporting_password=self.text("reporting_password", partner_id))

    def terminals(self) -> dict[str, TerminalSettings]:
        """Every configured terminal by its id."""
        self._refresh()
        partners = [int(name) for name in self._sections if name.isdigit()]
        found: dict[str, TerminalSettings] = {}
        for partner_id in [0, *partners]:
            try:
                terminal = self.terminal(partner_id)
            except ConfigError:
                continue
            found.setdefault(terminal.terminal_id, terminal)
        return found

    def bank_posting_policy(self, terminal: TerminalSettings) -> str:
        """on_settlement, after_n_days or on_acceptance (house 4.4 "Bank debits")."""
        chosen = self.choice("bank_posting")
        if chosen == "auto":
            return "on_settlement" if terminal.can_report else "after_n_days"
        return chosen

    def bank_debits_allowed(self, terminal: TerminalSettings) -> bool:
        """Returns must be seen: by the reports, or by a stated manual routine."""
        return terminal.can_report or self.flag("bank_manual_routine")

    def instruments(self, terminal: TerminalSettings) -> tuple[str, ...]:
        """What customers may pay with here: card, bank or both."""
        allowed = {"card": ("card",), "bank": ("bank",), "both": ("card", "bank")}[self.choice("payment_type")]
        return tuple(kind for kind in allowed if kind == "card" or self.bank_debits_allowed(terminal))

    def is_overridden(self, key: str) -> bool:
        """Whether the ini file holds this business setting."""
        return key in self._overrides

    def _refresh(self) -> None:
        try:
            stat = self._file.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except OSError:
            self._stamp, self._sections = None, {}
            return
        if stamp == self._stamp:
            return
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(self._file.read_text(encoding="utf-8"))
        except (configparser.Error, OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._file} cannot be read ({type(error).__name__}); save the add-on's settings in "
                              "Splynx again") from None
        self._sections = {section: {key: value.strip().strip('"') for key, value in parser[section].items()}
                          for section in parser.sections()}
        self._stamp = stamp
