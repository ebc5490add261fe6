"""The ``splynx-ippay-sandbox`` command: start, print one JSON line when ready, stay until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from splynx_ippay_sandbox.server import Sandbox
from splynx_ippay_sandbox.world import SEEDS


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="splynx-ippay-sandbox", description=__doc__)
    parser.add_argument("--host-port", type=int, default=0, help="port of the Splynx host (default: a free one)")
    parser.add_argument("--gateway-port", type=int, default=0, help="port of the IPpay gateway (default: a free one)")
    parser.add_argument("--smtp-port", type=int, default=0, help="port of the catcher of mails (default: a free one)")
    parser.add_argument("--seed", choices=SEEDS, default="small", help="how much the host holds at the start")
    parser.add_argument("--tls", action="store_true", help="the gateway speaks HTTPS with a certificate of a local CA")
    parser.add_argument("--addon", metavar="URL", help="where the host's reverse proxy finds the add-on")
    parser.add_argument("--state", metavar="DIR", help="keep files here (default: a temporary folder)")
    parser.add_argument("--clock-file", metavar="FILE", help="mirror the clock's offset in seconds to this file")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the sandbox until it is told to end; status 2 when a port is taken."""
    chosen = _arguments(argv)
    box = Sandbox(
        seed=chosen.seed,
        tls=chosen.tls,
        addon_url=chosen.addon,
        state_dir=chosen.state,
        clock_file=chosen.clock_file,
        host_port=chosen.host_port,
        gateway_port=chosen.gateway_port,
        smtp_port=chosen.smtp_port,
    )
    told_to_end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told_to_end.set())
    try:
        ready = box.start()
    except OSError as error:
        box.stop()
        print(f"splynx-ippay-sandbox: cannot listen: {error}", file=sys.stderr)
        return 2
    print(json.dumps(ready), flush=True)
    told_to_end.wait()
    box.stop()
    return 0
