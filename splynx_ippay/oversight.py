"""Commands of the person who watches over the books: recover, verify, review, acknowledge-foreign. Part of ``splynx-ippay``.

Owns what they print. Must never send, post or release anything that was not asked for by name.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from splynx_ippay.base import logs
from splynx_ippay.payments import foreign, mark, recovery, seals, waiting
from splynx_ippay.payments.core import Core
from splynx_ippay.runs import work

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from splynx_ippay.base.settings import Deployment

_REFUSED = 1
_RESTORED = "stopped: a backup of the database was restored"


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser], actor: Callable[[], str]) -> None:
    """Add the commands to the command line; ``actor`` names who runs them."""
    recover = commands.add_parser(
        "recover", help="after restoring a backup: read what IPpay and Splynx know since then; --release charges again")
    recover.add_argument("--release", action="store_true",
                         help="you have looked at what recover found: begin again with this database")
    recover.set_defaults(run=lambda deployment, options: _recover(deployment, options, actor()))
    verify = commands.add_parser("verify", help="compute the history of all payments again and compare it with the seals")
    verify.set_defaults(run=_verify)
    review = commands.add_parser("review", help="list the payments that wait for a person, the oldest first; status 1 if there are any")
    review.set_defaults(run=_review)
    acknowledge = commands.add_parser("acknowledge-foreign", help="you know of a sale the add-on did not make; Charges may run")
    acknowledge.add_argument("transaction", help="its TransactionID, as the health page and splynx-ippay check show it")
    acknowledge.set_defaults(run=lambda deployment, options: _acknowledge(deployment, options, actor()))


def _recover(deployment: Deployment, options: argparse.Namespace, by: str) -> int:
    core = Core.open(deployment)
    if options.release:
        recovery.release(core, by=by)
        _say("released: payments are taken and posted again. Charges that ran were stopped; resume them one by one")
        return 0
    if reason := mark.why(core):
        _say(f"quarantine: {reason}")
    report = recovery.recover(core)
    stopped = work.halt_all(core, _RESTORED)
    for line in report.lines():
        _say(line)
    if stopped:
        _say(f"{stopped} Charge(s) stopped")
    _say("Compare this with IPpay's own pages. Then: splynx-ippay recover --release")
    return 0


def _verify(deployment: Deployment, _options: argparse.Namespace) -> int:
    core = Core.open(deployment)
    found = seals.verify(core)
    for words in found.values():
        _say(f"BROKEN  {words}")
    if not seals.path(core).exists():
        _say(f"there is no file of seals yet ({seals.path(core)}); the worker writes it every few minutes")
    if found:
        _say(f"{len(found)} place(s) do not hold: keep database and seals as they are, and compare them with a backup")
        return _REFUSED
    _say("every chain of events holds, and so does every seal")
    return 0


def _review(deployment: Deployment, _options: argparse.Namespace) -> int:
    core = Core.open(deployment)
    with core.database.read() as session:
        found = waiting.everything(session)
    for one in found:
        _say(f"{one.since.astimezone():%Y-%m-%d %H:%M}  {one.attempt.transaction_id}  customer {one.attempt.customer_id}  "
             f"{(one.line or one.attempt).amount}  {one.why}" + (f"  [locks {', '.join(one.held)}]" if one.held else ""))
    _say(f"{len(found)} wait(s): decide under Charge by IpPay, Needs a decision" if found else "nothing waits for a person")
    return _REFUSED if found else 0


def _acknowledge(deployment: Deployment, options: argparse.Namespace, by: str) -> int:
    core = Core.open(deployment)
    try:
        left = foreign.acknowledge(core, options.transaction.strip(), by=by)
    except LookupError:
        print(f"splynx-ippay: no sale {options.transaction} waits for a person", file=sys.stderr)
        return _REFUSED
    _say(f"acknowledged; {left} more wait(s)" if left else "acknowledged; Charges may be started and resumed")
    return 0


def _say(line: str) -> None:
    print(logs.redact(line))
