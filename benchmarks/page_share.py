"""Our own share of a page against a bare Flask view, measured in one run, so that the machine's mood cancels out.

The page is the neutral page of old payment links: template, translation, CSRF, headers and compression, without a call of
the host. Both are called through WSGI, in turns, without a network. Prints microseconds and the ratio of the medians.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from flask import Flask
from werkzeug.test import Client

from splynx_ippay.app import create_app
from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.base.db import Database
from splynx_ippay.base.settings import Deployment, Settings
from splynx_ippay.payments.core import Core

ROUNDS, WARM_UP = 400, 40
PAGE = "/ippay/direct-pay-invoice?item_id=8812"


def bare() -> Flask:
    """The least that Flask does for a page."""
    app = Flask("bare")
    app.add_url_rule("/", "page", lambda: "<!doctype html><title>bare</title>")
    return app


def ours(folder: Path) -> Flask:
    """The add-on with an empty database."""
    KeyBox.create(folder / "keys")
    deployment = Deployment(database_url=f"sqlite:///{folder / 'bench.sqlite3'}", key_file=folder / "keys",
                            spool_dir=folder / "spool", addon_dir=folder, addon_cli=folder / "addon")
    database = Database(deployment.database_url)
    database.upgrade()
    return create_app(Core(deployment=deployment, settings=Settings.of(deployment), database=database,
                           box=KeyBox.load(deployment.key_file)))


def microseconds(client: Client, path: str, *, packed: bool) -> float:
    """One page."""
    began = time.perf_counter_ns()
    answer = client.get(path, headers={"Accept-Encoding": "gzip"} if packed else {})
    answer.get_data()
    taken = (time.perf_counter_ns() - began) / 1000
    assert answer.status_code == 200, answer.status
    return taken


def main() -> None:
    """Measure in turns and print."""
    with tempfile.TemporaryDirectory() as folder:
        plain, addon = Client(bare()), Client(ours(Path(folder)))
        turns = {"a bare Flask view": (plain, "/", False), "our page": (addon, PAGE, False), "our page, compressed": (addon, PAGE, True)}
        taken: dict[str, list[float]] = {name: [] for name in turns}
        for turn in range(ROUNDS + WARM_UP):
            for name, (client, path, packed) in turns.items():
                value = microseconds(client, path, packed=packed)
                if turn >= WARM_UP:
                    taken[name].append(value)
    least = statistics.median(taken["a bare Flask view"])
    for name, values in taken.items():
        middle = statistics.median(values)
        print(f"{name:24}{middle:9.0f} us{middle / least:8.1f} x   (best {min(values):.0f} us, {len(values)} rounds)")


if __name__ == "__main__":
    main()
