"""How each check looks: one function a check. The words for a person stand in checks.py.

A function returns None when all is well, else what to put into the words; it raises ``NotExamined`` where it cannot
tell. Must change nothing: every call to the host or the gateway here only reads (PING moves no money).
"""

from __future__ import annotations

import os
import tempfile
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests
from sqlalchemy import select, text

from splynx_ippay.base import clock, pdf
from splynx_ippay.base.errors import ConfigError, GatewayError, NeverSent, OutcomeUnknown
from splynx_ippay.base.settings import BY_KEY, MODULE, SETTINGS
from splynx_ippay.host import permissions
from splynx_ippay.host.entry_points import ENTRY_POINTS
from splynx_ippay.host.host_cli import COMMANDS, CommandFailed, HostCli
from splynx_ippay.ippay import messages
from splynx_ippay.ippay.declines import decline_for
from splynx_ippay.payments.models import Lease, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from splynx_ippay.base.settings import TerminalSettings
    from splynx_ippay.host.subject import Subject

    Found = dict[str, str] | None

# The host refuses a nonce that is too old, and days decide about settlement.
CLOCK_TOLERANCE = timedelta(seconds=60)
# The busiest job starts every 20 seconds, however long another one takes.
WORKER_SILENCE = timedelta(minutes=3)
_HTTP_SECONDS = 10
_APPROVED = "000"


class NotExamined(Exception):
    """A check cannot tell here; the text says why and where a person can look."""


def _detail(words: str) -> Found:
    return {"detail": words} if words else None


# -- this machine ------------------------------------------------------------------------------------------------------

def database(subject: Subject) -> Found:
    """The database answers, and a committed row survives a power cut."""
    with subject.database.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    try:
        subject.database.check()
    except ConfigError as error:
        if subject.database.is_current():
            return _detail(str(error))
    return None


def tables(subject: Subject) -> Found:
    """The newest migration has run."""
    return None if subject.database.is_current() else {}


def spool(subject: Subject) -> Found:
    """An answer the database would not take has a place to go."""
    folder = subject.deployment.spool_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent  # it is made when it is first needed
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"check")
        file.flush()
        os.fsync(file.fileno())
    return None


# -- Splynx ------------------------------------------------------------------------------------------------------------

def api_settings(subject: Subject) -> Found:
    """API domain, key and secret are entered, the address as the host wants it."""
    settings = subject.settings
    absent = [BY_KEY[key].title for key in ("api_domain", "api_key", "api_secret") if not settings.text(key).strip()]
    if absent:
        return _detail(", ".join(absent) + (" is empty" if len(absent) == 1 else " are empty"))
    domain = settings.text("api_domain").strip()
    if not domain.startswith(("http://", "https://")) or not domain.endswith("/"):
        return _detail("API domain must start with http:// or https:// and end with a slash")
    return None


def splynx(subject: Subject) -> Found:
    """Splynx answers and accepts our key."""
    subject.client.permissions()
    return None


def api_permissions(subject: Subject) -> Found:
    """The key may do all we do."""
    granted = subject.client.permissions()
    if not granted:
        raise NotExamined("Splynx did not tell what the API key may do; compare it with the list of splynx-ippay register")
    return _detail(", ".join(permissions.missing(granted)))


def machine_clock(subject: Subject) -> Found:
    """Our clock and Splynx's agree, and nobody moved ours with real money at stake."""
    if clock.is_moved() and subject.settings.choice("environment") == "production":
        return _detail(f"it is moved by a file named in {clock.CLOCK_FILE_VARIABLE}")
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.head(subject.settings.text("api_domain").strip(), timeout=_HTTP_SECONDS, allow_redirects=False,
                                  verify=subject.deployment.ca_file or True)
        except requests.RequestException:
            raise NotExamined("Splynx's clock could not be read, as Splynx did not answer") from None
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
    except ValueError:
        raise NotExamined("Splynx's web server does not tell the time") from None
    apart = (clock.now() - clock.offset()) - theirs
    return _detail(f"it differs from Splynx's by {abs(int(apart.total_seconds()))} seconds" if abs(apart) > CLOCK_TOLERANCE else "")


def field_filter(subject: Subject) -> Found:
    """The host finds payments by field_1."""
    proven = subject.host.prove_field_filter()
    if proven is None:
        raise NotExamined("Splynx has no payment yet to prove it with; this is looked at again with the first payment")
    return None if proven else {}


def entry_points(subject: Subject) -> Found:
    """Every place of the table is registered and switched on."""
    look = COMMANDS["list-entry-points"].by_hand.format(module=MODULE) + " They are: " + ", ".join(p.name for p in ENTRY_POINTS)
    cli = HostCli(subject.deployment.addon_cli)
    if not cli.is_there():
        raise NotExamined(look)
    try:
        lines = cli.run("list-entry-points", module=MODULE).splitlines()
    except CommandFailed:
        raise NotExamined(look) from None
    switches = dict(line.strip().rpartition(",")[::2] for line in lines if "," in line)
    absent = [point.name for point in ENTRY_POINTS if point.name not in switches]
    off = [point.name for point in ENTRY_POINTS if switches.get(point.name, "1") != "1"]
    return _detail("; ".join(part for part in (absent and "missing: " + ", ".join(absent),
                                               off and "switched off: " + ", ".join(off)) if part))


def settings_read(subject: Subject) -> Found:
    """Every number, amount and choice of the settings is one."""
    settings, wrong = subject.settings, []
    read: dict[str, Callable[[str], object]] = {"integer": settings.integer, "select": settings.choice, "decimal": lambda key: settings.money(key, "USD"),
            "days": settings.days}
    for setting in SETTINGS:
        try:
            read.get(setting.kind, settings.text)(setting.key)
        except ConfigError as error:
            wrong.append(str(error))
    return _detail("; ".join(wrong))


def payment_methods(subject: Subject) -> Found:
    """The payment methods of the settings are among the host's."""
    known = {str(method.id) for method in subject.host.payment_methods()}
    wanted = [f"{kind}_payment_method" for kind in ("credit_card", "bank_account")]
    return _detail(", ".join(BY_KEY[key].title for key in wanted if subject.settings.text(key).strip() not in known))


def payment_account(subject: Subject) -> Found:
    """A payment account is chosen."""
    return None if subject.settings.integer("payment_account") > 0 else {}


# -- IPpay -------------------------------------------------------------------------------------------------------------

def terminal(subject: Subject) -> Found:
    """Every partner has a terminal, with a currency."""
    problems = []
    for partner in subject.host.partners():
        try:
            subject.settings.terminal(partner.id)
        except ConfigError as error:
            problems.append(f"{partner.name}: {error}")
    return _detail("; ".join(problems))


def _terminals(subject: Subject) -> list[TerminalSettings]:
    found = list(subject.settings.terminals().values())
    if not found:
        raise NotExamined("no Terminal ID is set")
    return found


def gateway(subject: Subject) -> Found:
    """IPpay answers a PING for every terminal."""
    problems = []
    for one in _terminals(subject):
        try:
            reply = subject.core.gateway(one.environment).send(messages.ping(messages.Identity(one.terminal_id, one.password)))
        except NeverSent as error:
            problems.append(f"terminal {one.terminal_id}: no connection ({error})")
        except OutcomeUnknown as error:
            problems.append(f"terminal {one.terminal_id}: no answer of IPpay ({error})")
        else:
            if reply.action_code != _APPROVED:
                problems.append(f"terminal {one.terminal_id}: code {reply.action_code}, {decline_for(reply.action_code).meaning}")
    return _detail("; ".join(problems))


def breaker(subject: Subject) -> Found:
    """No terminal is stopped."""
    with subject.database.read() as session:
        stopped = session.scalars(select(Terminal).where(Terminal.stopped_at.is_not(None))).all()
    if not stopped:
        return None
    return {"detail": "; ".join(f"{row.terminal_id} since {row.stopped_at:%Y-%m-%d %H:%M} UTC: {row.reason}" for row in stopped),
            "terminal": stopped[0].terminal_id}


def reporting_login(subject: Subject) -> Found:
    """Every terminal has a reporting login."""
    return _detail(", ".join(one.terminal_id for one in _terminals(subject) if not one.can_report))


def reporting(subject: Subject) -> Found:
    """IPpay's reports open with the login we have."""
    problems, now, looked = [], clock.now(), False
    for one in _terminals(subject):
        reports = subject.core.reports(one)
        if reports is None:
            continue
        looked = True
        try:
            reports.read("credit", now - timedelta(hours=1), now, one.terminal_id)
        except (ConfigError, GatewayError) as error:
            problems.append(f"terminal {one.terminal_id}: {error}")
    if not looked:
        raise NotExamined("no reporting login is set")
    return _detail("; ".join(problems))


def bank_returns(subject: Subject) -> Found:
    """Where bank debits are offered, somebody sees the returned ones."""
    if subject.settings.choice("payment_type") == "card":
        return None
    return _detail(", ".join(one.terminal_id for one in _terminals(subject) if not subject.settings.bank_debits_allowed(one)))


def other_chargers(subject: Subject) -> Found:
    """Staff have stated that nothing else charges through IPpay."""
    settings = subject.settings
    return {} if settings.choice("environment") == "production" and not settings.flag("other_chargers_off") else None


def test_payments(subject: Subject) -> Found:
    """A test terminal works on a Splynx that is marked as a sandbox."""
    settings = subject.settings
    return {} if settings.choice("environment") == "test" and not settings.flag("sandbox_host") else None


# -- the worker --------------------------------------------------------------------------------------------------------

def worker(subject: Subject) -> Found:
    """The background jobs run."""
    with subject.database.read() as session:
        newest = max((row.ran_at for row in session.scalars(select(Lease)) if row.ran_at), default=None)
    if newest is None:
        return _detail("it has never run")
    silence = clock.now() - newest
    return _detail(f"its last job started {int(silence.total_seconds() // 60)} minutes ago" if silence > WORKER_SILENCE else "")


def jobs(subject: Subject) -> Found:
    """No job failed the last time it ran."""
    with subject.database.read() as session:
        failed = session.scalars(select(Lease).where(Lease.problem != "").order_by(Lease.name)).all()
    return _detail("; ".join(f"{row.name}: {row.problem}" for row in failed))


def receipts(_subject: Subject) -> Found:
    """Whether receipts can be made as PDF."""
    return {"detail": ", ".join(missing), "command": pdf.INSTALL} if (missing := pdf.missing()) else None
