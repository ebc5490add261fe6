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


def cleanup(core: Core) -> None:
    """Forget counted limits, events and codes that nothing reaches any more."""
    from splynx_ippay.links import codes, webhook
    from splynx_ippay.payments import limits

    for forget in (limits.forget_old, webhook.forget_old, codes.forget_old):
        core.database.run(forget)


TASKS: dict[str, Callable[[Core], None]] = {
    "reconcile": reconcile,
    "booking": booking,
    "returns": returns,
    "runs": runs,
    "links": links,
    "mirror": mirror,
    "cleanup": cleanup,
}
