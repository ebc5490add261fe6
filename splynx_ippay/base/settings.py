"""Settings. Owns how they are read; the one table of them is setting_table.py.

Two homes, never both: business settings live in the host's module form (``<addon_dir>/config/config.ini.php``);
the add-on's own ini file and environment hold what the machine needs (database, key file, addresses). A business
setting may be overridden in the ini file's ``[settings]`` section; such an override is shown read-only. Files are
looked at on every use and read again when they change, so that a new value works without a restart.
"""

from __future__ import annotations

import configparser
import os
import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import ConfigError
from splynx_ippay.base.money import Money
from splynx_ippay.base.setting_table import BLOCKS, BY_KEY, SETTINGS, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BLOCKS", "BY_KEY", "MODULE", "MODULE_TITLE", "SETTINGS", "Deployment", "Setting", "Settings", "TerminalSettings"]

MODULE = "splynx_ippay_addon"
MODULE_TITLE = "Splynx Ippay Billing Add-On"
DEFAULT_INI = "/etc/splynx-ippay/splynx-ippay.ini"
_LAST_DAY = 31
_ENVIRONMENT_PREFIX = "SPLYNX_IPPAY_"


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
    routing_directory: str = ""  # "" = no names of banks
    log_level: str = "INFO"
    log_file: str = ""  # "" = standard error only
    overrides: Mapping[str, str] = field(default_factory=dict)
    ini_file: Path = Path(DEFAULT_INI)

    @property
    def missing_ini(self) -> str:
        """A sentence for whoever starts a program without the ini file: what was looked for, what is used instead; or ""."""
        if self.ini_file.exists():
            return ""
        place = ("the usual place" if str(self.ini_file) == DEFAULT_INI else f"named in {_ENVIRONMENT_PREFIX}INI")
        return (f"there is no {self.ini_file} ({place}). Used instead are the environment and the defaults: keys from "
                f"{self.key_file}, settings of Splynx from {self.addon_dir}, listening on {self.listen}. To use another file, "
                f"set {_ENVIRONMENT_PREFIX}INI")

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Deployment:
        """Read the ini file named in ``SPLYNX_IPPAY_INI`` (or the default) and the environment. Raises ConfigError."""
        environ = os.environ if environ is None else environ
        path = Path(environ.get(_ENVIRONMENT_PREFIX + "INI", DEFAULT_INI))
        parser = configparser.ConfigParser(interpolation=None)
        try:
            if path.exists():
                parser.read_string(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} cannot be read ({type(error).__name__}); it must be a text in UTF-8 that this user may "
                              "read") from None
        except configparser.Error as error:
            raise ConfigError(_mend(path, error)) from None
        values: dict[str, str] = dict(parser["splynx-ippay"]) if parser.has_section("splynx-ippay") else {}
        overrides = dict(parser["settings"]) if parser.has_section("settings") else {}
        texts = {"database_url", "listen", "gateway_url", "report_url", "ca_file", "routing_directory", "log_level", "log_file"}
        paths = {"key_file", "spool_dir", "addon_dir", "addon_cli"}
        for known in texts | paths:
            if _ENVIRONMENT_PREFIX + known.upper() in environ:
                values[known] = environ[_ENVIRONMENT_PREFIX + known.upper()]
        if unknown := sorted(set(values) - texts - paths) + sorted(set(overrides) - set(BY_KEY)):
            raise ConfigError(f"{path}: unknown setting {unknown[0]!r}; see the comments of the file shipped")
        arguments: dict[str, object] = {key: Path(value) if key in paths else value for key, value in values.items()}
        return cls(**arguments, overrides=overrides, ini_file=path)  # type: ignore[arg-type]


def _mend(path: Path, error: configparser.Error) -> str:
    """What is wrong with the ini file, at which line, and what to do; never the line itself, which may hold a password."""
    line = getattr(error, "lineno", None) or next((number for number, _line in getattr(error, "errors", ())), 0)
    place = f"{path}, line {line}" if line else str(path)
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"{place}: a [section] is missing above this line; the file begins with [splynx-ippay]"
    if isinstance(error, configparser.DuplicateSectionError):
        return f"{place}: the section [{error.section}] stands there a second time; put its lines below the first"
    if isinstance(error, configparser.DuplicateOptionError):
        return f"{place}: {error.option} stands there a second time; keep one of the two"
    return f"{place}: this is neither a [section] nor key = value; correct it, or put # before it"


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

    def own_text(self, key: str, partner_id: int | None) -> str | None:
        """What the host's file holds for exactly this partner (None: for all); None where it holds nothing."""
        self._refresh()
        shared = "default_partners_settings" if BY_KEY[key].per_partner else "common"
        return self._sections.get(str(partner_id) if partner_id else shared, {}).get(key)

    def integer(self, key: str) -> int:
        """The value as a whole number, zero or more. Raises ConfigError naming the setting."""
        text = self.text(key).strip() or "0"
        if not (text.isascii() and text.isdigit()):
            raise ConfigError(f"the setting {BY_KEY[key].title!r} must be a whole number")
        return int(text)

    def days(self, key: str) -> tuple[int, ...]:
        """The value as days of the month in order, none where it is empty. Raises ConfigError naming the setting."""
        words = [word.strip() for word in self.text(key).split(",") if word.strip()]
        days = sorted({int(word) for word in words if re.fullmatch(r"[0-9]{1,2}", word, re.ASCII)})
        if len(days) != len(set(words)) or (days and not 1 <= days[0] <= days[-1] <= _LAST_DAY):
            raise ConfigError(f"the setting {BY_KEY[key].title!r} must be days of the month, for example 7, 21")
        return tuple(days)

    def currency(self, partner_id: int | None = None) -> str:
        """The code as it was typed, large: for pages of all partners. A charge takes that of ``terminal``, which is proven."""
        return self.text("currency", partner_id).strip().upper()

    def money(self, key: str, currency: str) -> Money:
        """The value as an amount. Raises ConfigError naming the setting."""
        try:
            found = Money.from_host(self.text(key).strip() or "0", currency)
        except ValueError:
            found = None
        if found is None or found.cents < 0:
            raise ConfigError(f"the setting {BY_KEY[key].title!r} must be an amount, for example 25.00")
        return found

    def percent(self, key: str, most: int) -> Decimal:
        """The value as a percentage from 0 to ``most``. Raises ConfigError naming the setting."""
        try:
            found = Decimal(self.text(key).strip() or "0")
        except ArithmeticError:
            found = Decimal("NaN")
        if not (found.is_finite() and 0 <= found <= most):
            raise ConfigError(f"the setting {BY_KEY[key].title!r} must be a number from 0 to {most}")
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
        currency = self.currency(partner_id)
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
        """When a bank debit of the terminal is posted: on_settlement, after_n_days or on_acceptance; never auto."""
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
