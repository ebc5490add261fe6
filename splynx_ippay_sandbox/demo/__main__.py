"""``python -m splynx_ippay_sandbox.demo``: the scripted tour, and then everything stays up to be played with."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from splynx_ippay_sandbox.demo.programs import ProgramError, Programs
from splynx_ippay_sandbox.demo.tour import BREAKAGES, StepFailedError, Tour, play


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the tour; status 0 only if every step did what it says")
    parser.add_argument("--break", dest="breakage", choices=sorted(BREAKAGES), help="self-test: spoil one step on purpose")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where everything is kept (emptied at start)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Play the tour; 1 and the name of the step when one fails."""
    chosen = _arguments(argv)
    told_to_end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    try:
        programs = Programs(chosen.folder.absolute())
    except ProgramError as error:
        print(error, file=sys.stderr)
        return 2
    tour = Tour(programs, chosen.breakage)
    try:
        play(tour)
        if not chosen.once:
            _invite(tour)
            told_to_end.wait()
    except StepFailedError as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        print(f"The logs are in {chosen.folder / 'logs'}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nEnding.", flush=True)
    finally:
        programs.end()
    return 0


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _invite(tour: Tour) -> None:
    """Say where to look and how to log in."""
    host, staff = tour.facts["host_url"], tour.facts["staff"]
    print(f"\nIt stays up until Ctrl-C. Open in a browser:\n\n  portal  {host}/portal/")
    for customer in tour.facts["customers"]:
        print(f"          login {customer['login']}   password {customer['password']}   ({customer['name']})")
    print(f"  admin   {host}/admin/\n          login {staff['login']}   password {staff['password']}")
    print(f"  mails   {host}/admin/mails   (everything that was mailed; nothing leaves this machine)")
    print(f"  a link  {tour.kept['link']}")
    print(f"  rooms   {host}/_sandbox/   (the ledger, the clock, faults to arm)\n")
    print("The tour has paid nearly everything. To pay more, log in to admin: Customers, a name, Create a document.\n"
          "Send it too, open its mail at the address above and pay by the link in it, without a login.\n"
          "Staff's pages stand under Finance → Charge by IpPay: Payments, Is all well?, Log.\n"
          "Card 4111 1111 1111 1111 and routing number 111000025 are accepted; an amount that ends in .05 or .51 is declined.\n"
          f"Commands for this demo: SPLYNX_IPPAY_INI={tour.programs.ini} SPLYNX_IPPAY_CLOCK_FILE={tour.programs.clock_file} "
          f"{Path(sys.executable).parent / 'splynx-ippay'} check\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
