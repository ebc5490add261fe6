"""Background jobs by name: the one table of what runs without anybody asking. When they run is scheduler.py's.

Each job takes the Core, does whatever is due now and returns; it must be safe to kill at any line and to run again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from splynx_ippay.payments.core import Core


def reconcile(core: Core) -> None:
    """Follow up on attempts without a clear answer."""
    from splynx_ippay.payments import reconcile as work

    work.tick(core)


def booking(core: Core) -> None:
    """Tell Splynx what was paid, and take back what came back."""
    from splynx_ippay.payments import booking as work

    work.tick(core)


def returns(core: Core) -> None:
    """Read settlement and rejects of bank debits."""
    from splynx_ippay.payments import returns as work

    work.tick(core)


def runs(core: Core) -> None:
    """Go on with charge runs that were started, also after a crash."""
    from splynx_ippay.runs import work

    work.tick(core)


def links(core: Core) -> None:
    """Write payment links into documents for which no event came."""
    from splynx_ippay.links import fields

    fields.sweep(core)


def mirror(core: Core) -> None:
    """Show staff in Splynx, masked, what customers have saved."""
    from splynx_ippay.payments import mirroring as work

    work.tick(core)


def mails(core: Core) -> None:
    """Send the mails that are owed."""
    from splynx_ippay.letters import sending

    sending.tick(core)


def declines(core: Core) -> None:
    """Ask customers for another card or account after a Charge was declined."""
    from splynx_ippay.asks import declines as work

    work.tick(core)


def expiry(core: Core) -> None:
    """Tell customers that the card Charges take from expires."""
    from splynx_ippay.asks import expiry as work

    work.tick(core)


def cleanup(core: Core) -> None:
    """Forget counted limits, events, codes and tokens that nothing reaches any more."""
    from splynx_ippay.links import codes, webhook
    from splynx_ippay.payments import forget as tokens
    from splynx_ippay.payments import limits

    for forget in (limits.forget_old, webhook.forget_old, codes.forget_old, tokens.old_tokens):
        core.database.run(forget)


def seals(core: Core) -> None:
    """Sign the heads of all chains of events into a file outside the database."""
    from splynx_ippay.payments import seals as work

    work.write(core)


def foreign(core: Core) -> None:
    """Look for sales on our terminals that are not ours."""
    from splynx_ippay.payments import foreign as work

    work.tick(core)


def settlement(core: Core) -> None:
    """See that approved card sales settle."""
    from splynx_ippay.payments import settlement as work

    work.tick(core)


def updater(core: Core) -> None:
    """Take over what the banks of saved cards told: new expiries and numbers, closed accounts."""
    from splynx_ippay.payments import updater as work

    work.tick(core)


def missing(core: Core) -> None:
    """See that Splynx still shows the payments that were posted."""
    from splynx_ippay.payments import missing as work

    work.tick(core)


def nightly(core: Core) -> None:
    """See that keys, states and history agree."""
    from splynx_ippay.payments import nightly as work

    work.tick(core)


TASKS: dict[str, Callable[[Core], None]] = {
    "reconcile": reconcile,
    "booking": booking,
    "returns": returns,
    "runs": runs,
    "links": links,
    "mirror": mirror,
    "mails": mails,
    "declines": declines,
    "expiry": expiry,
    "cleanup": cleanup,
    "seals": seals,
    "foreign": foreign,
    "settlement": settlement,
    "updater": updater,
    "missing": missing,
    "nightly": nightly,
}
