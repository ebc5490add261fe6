"""Is all well? One table: each check with its title, what is wrong in plain words, and the mend.

Run by ``splynx-ippay check`` and by the health page in admin. A check whose ground is missing (no database, Splynx away) is
not examined instead of wrong, so that what has to be mended stands alone. Texts are msgids; how to look is examine.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import requests
from sqlalchemy.exc import DatabaseError

from splynx_ippay.base import logs
from splynx_ippay.base.errors import AddOnError
from splynx_ippay.base.marks import N_
from splynx_ippay.host import examine, examine_banks, examine_books, examine_keys, examine_mails
from splynx_ippay.host.examine import NotExamined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from splynx_ippay.host.subject import Subject


FIRST_MEND = N_("first mend: %(checks)s")


class Verdict(StrEnum):
    """How a check ended. ADVICE: it works, and could be better."""

    OK = "ok"
    ADVICE = "advice"
    WRONG = "wrong"
    NOT_EXAMINED = "not examined"


@dataclass(frozen=True, slots=True)
class Check:
    """One row. ``needs`` are ids of checks that must be ok first; ``wrong`` and ``mend`` may hold %(detail)s."""

    id: str
    title: str
    examine: Callable[[Subject], dict[str, str] | None]
    wrong: str
    mend: str
    needs: tuple[str, ...] = ()
    is_advice: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found; ``params`` fill the texts, ``reason`` (a msgid too) says why it was not examined."""

    check: Check
    verdict: Verdict
    params: dict[str, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def wrong(self) -> str:
        """What is wrong, in English."""
        return self.check.wrong % self.params if self.verdict in {Verdict.WRONG, Verdict.ADVICE} else ""

    @property
    def mend(self) -> str:
        """How to mend it, in English."""
        return self.check.mend % self.params if self.verdict in {Verdict.WRONG, Verdict.ADVICE} else ""

    def __str__(self) -> str:
        """As the command prints it."""
        head = f"{self.verdict.upper():<13}{self.check.title}"
        if self.verdict is Verdict.NOT_EXAMINED:
            return f"{head}\n             {self.reason % self.params}"
        return f"{head}\n             {self.wrong}\n             → {self.mend}" if self.wrong else head


CHECKS: tuple[Check, ...] = (
    Check("key_file", N_("Key file"), examine_keys.key_file,
          N_("Saved cards and bank accounts cannot be opened: %(detail)s."),
          N_("Run splynx-ippay make-key on a new installation; where cards are saved already, only do what the line above "
             "says, or restore the key file from its own backup.")),
    Check("database", N_("Database"), examine.database,
          N_("The database cannot be used safely, so nothing is charged: %(detail)s."),
          N_("Check database_url in the add-on's ini file, that the database runs, and that the add-on's user may write it.")),
    Check("tables", N_("Tables"), examine.tables,
          N_("The tables of the database are not those of this version, so nothing is charged."),
          N_("Run: splynx-ippay migrate"), needs=("database",)),
    Check("spool", N_("Spool folder"), examine.spool,
          N_("An answer of IPpay that the database does not take would be lost: %(detail)s."),
          N_("Make the folder named in spool_dir and let the add-on's user write in it.")),
    Check("api_settings", N_("Access to Splynx"), examine.api_settings,
          N_("The add-on does not know how to reach Splynx: %(detail)s."),
          N_("Run splynx-ippay register --api-domain https://your-splynx/ or fill in API settings in Splynx: Config → "
             "Integrations → Modules list → splynx_ippay_addon.")),
    Check("splynx", N_("Splynx answers"), examine.splynx,
          N_("Splynx cannot be asked: %(detail)s."),
          N_("Open the API domain in a browser on this machine; then compare API key and secret with Administration → "
             "API keys and look at the key's list of allowed addresses."), needs=("api_settings",)),
    Check("permissions", N_("Permissions of the API key"), examine.api_permissions,
          N_("Splynx will refuse part of the work; the API key may not: %(detail)s."),
          N_("Run splynx-ippay register again, or allow them under Administration → API keys → Permissions."),
          needs=("splynx",)),
    Check("clock", N_("Clock"), examine.machine_clock,
          N_("This machine's clock is wrong: %(detail)s. Signatures, links and due dates go by it."),
          N_("Switch on time synchronisation (timedatectl set-ntp true) on both machines."), needs=("api_settings",)),
    Check("field_filter", N_("Search for payments"), examine.field_filter,
          N_("Splynx ignores the search by field_1, so a payment could be booked twice."),
          N_("Update Splynx, or ask its support why main_attributes[field_1] is ignored. Charge nothing until then."),
          needs=("splynx",)),
    Check("entry_points", N_("Places in Splynx"), examine.entry_points,
          N_("Customers or staff do not see everything: %(detail)s."),
          N_("Run splynx-ippay register; switch places on under Config → Integrations → Modules list → Entry points.")),
    Check("settings", N_("Settings"), examine.settings_read,
          N_("A setting cannot be read, so payments are refused: %(detail)s."),
          N_("Correct it in the add-on's settings in Splynx and save.")),
    Check("payment_methods", N_("Payment methods"), examine.payment_methods,
          N_("Payments cannot be booked under a payment method of Splynx: %(detail)s is not chosen or is gone."),
          N_("Choose it in the add-on's settings in Splynx, card Setting."), needs=("splynx",)),
    Check("payment_account", N_("Payment account"), examine.payment_account,
          N_("Staff do not see in Splynx which card or bank account a customer has saved."),
          N_("Choose the payment account Ippay in the add-on's settings in Splynx, card Setting."), is_advice=True),
    Check("card_fee", N_("Card fee"), examine_books.card_fee,
          N_("Customers pay a fee by card, and it is not right: %(detail)s."),
          N_("Correct it in the add-on's settings in Splynx, card Card fee; the categories stand in Splynx under Config → Finance "
             "→ Transaction categories."), needs=("splynx", "settings")),
    Check("terminal", N_("Terminal"), examine.terminal,
          N_("Some customers cannot pay: %(detail)s."),
          N_("Correct it in the add-on's settings in Splynx: the Terminal ID stands in card Pay Setting, the currency in card "
             "Gateway."),
          needs=("splynx",)),
    Check("gateway", N_("IPpay answers"), examine.gateway,
          N_("IPpay does not answer as it should: %(detail)s."),
          N_("With a code: compare Terminal ID and environment with IPpay's letter. Without an answer: open port 443 outwards, "
             "and ask IPpay to allow this server's public address."), needs=("key_file", "database")),
    Check("breaker", N_("Charging is not stopped"), examine.breaker,
          N_("Nobody can pay on a terminal that was stopped: %(detail)s."),
          N_("Mend the reason, then run: splynx-ippay release %(terminal)s"), needs=("tables",)),
    Check("reporting_login", N_("Reporting login"), examine.reporting_login,
          N_("Without a reporting login lost answers and returned bank debits need a person; terminals: %(detail)s."),
          N_("Ask IPpay for a login to its reporting service and enter it in the settings, card Gateway."),
          is_advice=True),
    Check("reporting", N_("IPpay's reports"), examine.reporting,
          N_("IPpay's reports cannot be read: %(detail)s."),
          N_("Compare reporting login and password with IPpay's letter, and ask IPpay to allow this server's address "
             "for reports too."), needs=("key_file", "database")),
    Check("bank_returns", N_("Returned bank debits"), examine.bank_returns,
          N_("Bank debits are offered, but nobody would see one that comes back, so they are switched off for the "
             "terminals: %(detail)s."),
          N_("Enter a reporting login, or state in the settings that returns are checked by hand, or set Payment type to "
             "Credit Card.")),
    Check("bank_names", N_("Names of banks"), examine_banks.bank_names,
          N_("Banks are shown without their names: %(detail)s."),
          N_("Put the FedACH participant directory there once more, as it was downloaded, or take routing_directory out of the "
             "add-on's ini file."), is_advice=True),
    Check("other_chargers", N_("No other charger"), examine.other_chargers,
          N_("A second add-on or an automatic charge filter could charge the same invoices through IPpay."),
          N_("Switch off every other IPpay handler and automatic charge filter in Splynx, then confirm it in the "
             "settings, card Gateway.")),
    Check("test_payments", N_("Test payments"), examine.test_payments,
          N_("The terminal is a test terminal and this Splynx is not marked as a sandbox: test payments are not booked."),
          N_("For tests mark this Splynx as a sandbox in the settings, card Gateway; for real payments set Environment "
             "to Production."), is_advice=True),
    Check("receipts", N_("Receipts as PDF"), examine.receipts,
          N_("Customers are not offered their receipts as PDF; the page can be printed. Missing: %(detail)s."),
          N_("Run %(command)s and start the add-on's services again."), is_advice=True),
    Check("mails", N_("Mails to customers"), examine_mails.mails,
          N_("Some mails of the last day did not go out: %(detail)s."),
          N_("Compare the Mail settings with what your mail server wants, and look at the worker's log. After three days a mail is "
             "not sent any more."), needs=("tables",), is_advice=True),
    Check("quarantine", N_("Database is not an old copy"), examine_books.quarantine,
          N_("Quarantine, nothing is sent or posted: %(detail)s."),
          N_("Run: splynx-ippay recover. It reads what IPpay and Splynx know since the backup and says how to go on."),
          needs=("key_file", "spool", "tables")),
    Check("foreign_sales", N_("Nothing else charges on the terminal"), examine_books.foreign_sales,
          N_("IPpay shows sales on our terminal that the add-on did not make, so no Charge runs: %(detail)s."),
          N_("Find out who charged, and give back what was charged twice; then run: splynx-ippay acknowledge-foreign "
             "%(subject)s"), needs=("tables",)),
    Check("decisions", N_("Payments that wait for a person"), examine_books.decisions,
          N_("For more than a day a person has been needed, and debts stay locked: %(detail)s."),
          N_("Open Charge by IpPay → Needs a decision, ask IPpay and Splynx, and decide."), needs=("tables",)),
    Check("books", N_("Books agree"), examine_books.books,
          N_("Rows contradict each other: %(detail)s."),
          N_("Run splynx-ippay verify, keep the database as it is, and ask the add-on's support."), needs=("tables",)),
    Check("worker", N_("Worker"), examine.worker,
          N_("The worker does not run: %(detail)s. Nothing is booked, followed up or charged automatically."),
          N_("Start it: systemctl start splynx-ippay-worker (or splynx-ippay worker), and look at its log."),
          needs=("tables",)),
    Check("jobs", N_("Background jobs"), examine.jobs,
          N_("A background job failed the last time: %(detail)s."),
          N_("If it does not mend itself within minutes, look at the worker's log."), needs=("tables",)),
)


def run_checks(subject: Subject, checks: Iterable[Check] = CHECKS) -> list[Result]:
    """Look at everything, in order; a check whose ground is not ok is not examined."""
    results: list[Result] = []
    sound: set[str] = set()
    for check in checks:
        result = _run(check, subject, sound)
        if result.verdict is Verdict.OK:
            sound.add(check.id)
        results.append(result)
    return results


def _run(check: Check, subject: Subject, sound: set[str]) -> Result:
    titles = {row.id: row.title for row in CHECKS}
    if missing := [need for need in check.needs if need not in sound]:
        return Result(check, Verdict.NOT_EXAMINED, {"checks": ", ".join(titles.get(need, need) for need in missing)}, FIRST_MEND)
    try:
        found = check.examine(subject)
    except NotExamined as reason:
        return Result(check, Verdict.NOT_EXAMINED, reason=str(reason))
    except AddOnError as error:
        found = {"detail": str(error)}
    except DatabaseError as error:
        found = {"detail": f"{type(error).__name__}, {error.orig}"}
    except (OSError, requests.RequestException) as error:
        found = {"detail": type(error).__name__}
    if found is None:
        return Result(check, Verdict.OK)
    clean = {name: logs.redact(value).rstrip(".") for name, value in found.items()}
    return Result(check, Verdict.ADVICE if check.is_advice else Verdict.WRONG, clean)
