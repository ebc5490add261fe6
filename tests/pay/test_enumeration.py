"""Somebody walks through 10,000 ids of the addresses that can be guessed, over real HTTP, and learns nothing.

Every answer is measured: status, headers, bytes, statements to our database, calls of the host. What may differ is what
each visitor gets anew (CSRF token, session cookie, both of one length). The installation's limit would end such a walk
after 3,000 openings, which is measured as well; then the clock is moved on.
"""

import http.client
import itertools
import logging
import re
import statistics
import time
from collections import defaultdict
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

import pytest

from splynx_ippay.pay.limits import OPENINGS

ODD = ["0", "x", "9" * 12, "%00", "1' OR '1'='1", "-1", " ", ""]
DOORS = {"direct-pay-invoice-by-id": ("invoices", "id"), "direct-pay-invoice": ("invoices", "number"),
         "direct-pay-proforma-by-id": ("requests", "id"), "direct-pay-proforma": ("requests", "number")}
# All ids are opened at the first address, fewer at the others; Continue, which asks the host twice, is pressed for fewer still.
OPENED = dict(zip(DOORS, (10_000, 2_000, 2_000, 2_000), strict=True))
PRESSED = dict(zip(DOORS, (1_500, 250, 250, 250), strict=True))
PERSONAL = (rb'name="csrf_token" value="[^"]+"', rb'name="offer" value="[^"]+"')


class HostCalls(logging.Handler):
    """What this process asks the host: verbs and kinds of resources, as the HTTP library logs them."""

    def __init__(self, port):
        super().__init__()
        self.port, self.made = port, []

    def emit(self, record):
        if record.msg.startswith('%s://%s:%s "%s %s') and record.args[2] == self.port:
            self.made.append(f"{record.args[3]} {re.sub('[0-9]+', 'N', record.args[4].partition('?')[0])}")


@contextmanager
def listening(sandbox):
    calls, logger = HostCalls(urlsplit(sandbox.facts["api_url"]).port), logging.getLogger("urllib3.connectionpool")
    level, logger.propagate = logger.level, False
    logger.addHandler(calls)
    logger.setLevel(logging.DEBUG)
    try:
        yield calls.made
    finally:
        logger.setLevel(level)
        logger.removeHandler(calls)
        logger.propagate = True


class Walker:
    """Somebody with many networks and a stop-watch."""

    def __init__(self, address, statements, calls):
        self.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        self.statements, self.calls = statements, calls
        self.networks = (f"10.{number // 250}.{number % 250}.1" for number in itertools.count())
        self.cookie = self.token = ""

    def ask(self, verb, door, item, body=None, network=None):
        """One request and everything about its answer that can be seen or felt."""
        headers = {"X-Forwarded-For": network or next(self.networks), "Cookie": self.cookie}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        statements, calls, since = len(self.statements), len(self.calls), time.perf_counter()
        self.connection.request(verb, f"/ippay/{door}?{urlencode({'item_id': item})}", body=body, headers=headers)
        answer = self.connection.getresponse()
        content = answer.read()
        took = time.perf_counter() - since
        bare = content
        for shape in PERSONAL:
            bare = re.sub(shape, b"", bare)
        names = tuple((name, len(value) if name in {"Set-Cookie", "Content-Length"} else value)
                      for name, value in answer.getheaders() if name != "Date")
        return SimpleNamespace(
            status=answer.status, content=content, bare=bare, length=len(content), headers=names, took=took, cookie=answer.getheader("Set-Cookie") or "",
            queries=tuple(one.split("(")[0][:70] for one in self.statements[statements:]), calls=tuple(self.calls[calls:]))

    def open(self, door, item, **more):
        return self.ask("GET", door, item, **more)

    def press(self, door, item, **more):
        """Continue, with the token of a page that was opened before."""
        if not self.token:
            page = self.open(door, item)
            self.cookie = page.cookie.partition(";")[0]
            self.token = re.search(rb'name="csrf_token" value="([^"]+)"', page.content)[1].decode()
        return self.ask("POST", door, item, urlencode({"csrf_token": self.token}), **more)


@pytest.fixture
def walker(app, sandbox, registered_core, counted_queries, serving, caplog):
    caplog.set_level(logging.WARNING, logger="werkzeug")  # no line for each of 50,000 requests
    with serving(app) as address, counted_queries(registered_core) as queries, listening(sandbox) as calls:
        someone = Walker(address, queries.statements, calls)
        someone.press("direct-pay-invoice-by-id", "0")  # the host's login and the partners' names are known from here on
        yield someone
        someone.connection.close()


@pytest.fixture
def being_paid(web, make_browser, invoice, make_link):
    """An invoice for which a bank debit is on its way."""
    payer = make_browser()
    answer = payer.submit(payer.get(make_link("invoice", invoice["id"])), holding="number", source="bank", holder=["", "Pat Doe"],
                          routing="111000025", account="12345678", account_again="12345678", kind="CHECKING", authorized=True)
    assert "Your bank debit is on its way" in answer.text
    return invoice


def kinds(sandbox, door):
    """What stands behind each real id or number of a door: open, paid, deleted."""
    table, column = DOORS[door]
    return {str(row[column]): "deleted" if str(row["deleted"]) == "1" else "open" if row["status"] == "not_paid" else "paid"
            for row in sandbox.ledger()["host"][table]}


def walk(door, known, how_many):
    """Real ids with ids of nothing between them: 10,000 by the number, or 1, 2, 3 … by the id."""
    others = (f"2031{number:08d}" for number in itertools.count()) if not door.endswith("by-id") else map(str, itertools.count(1))
    missing = [one for one in itertools.islice(others, how_many + len(known)) if one not in known]
    step, real = max(len(missing) // (len(known) + 1), 1), list(known)
    mixed = [one for number, miss in enumerate(missing) for one in ([real.pop()] if real and number % step == 0 else []) + [miss]]
    return [*ODD, *mixed][:how_many]


def test_10000_ids_opened_give_one_answer(*, walker, sandbox, record_property):
    walker.cookie = ""
    pages, costs, took = defaultdict(set), set(), defaultdict(list)
    for door in DOORS:
        known = kinds(sandbox, door)
        items = walk(door, known, OPENED[door])
        assert set(known) <= set(items)
        for item in items:
            page = walker.open(door, item)
            pages[door].add((page.status, page.bare, page.length, page.headers))
            costs.add((page.queries, page.calls))
            took["hit" if known.get(item) == "open" else "miss"].append(page.took)
        head = {(walker.ask("HEAD", door, item).status, walker.ask("HEAD", door, item).headers) for item in (*known, *ODD)}
        assert len(head) == 1
    ratio = statistics.median(took["hit"]) / statistics.median(took["miss"])
    record_property("numbers", f"unsigned links opened, {' + '.join(map(str, OPENED.values()))} ids at the four addresses: "
                    f"distinct answers {len(set.union(*pages.values()))} (bytes, length, headers), queries 0, host calls 0, "
                    f"time of hits to misses {ratio:.2f}")
    assert len(set.union(*pages.values())) == 1
    assert costs == {((), ())}


def test_continue_pressed_for_2250_ids_tells_no_more_than_it_says(*, walker, sandbox, being_paid, record_property):
    rows = []
    assert sum(PRESSED.values()) < OPENINGS[2]  # where the installation's limit would end the walk
    for door in DOORS:
        known = kinds(sandbox, door)
        if str(being_paid[DOORS[door][1]]) in known and "invoice" in door:
            known[str(being_paid[DOORS[door][1]])] = "being paid"
        seen = defaultdict(list)
        for item in walk(door, known, PRESSED[door]):
            seen[known.get(item, "missing")].append(walker.press(door, item))
        everything = list(itertools.chain(*seen.values()))
        nothing = [answer for kind in ("missing", "paid", "deleted") for answer in seen.get(kind, [])]
        assert {"missing", "open"} <= set(seen)
        difference = {
            "bytes": len({(one.bare, one.length) for one in nothing}) - 1,
            "headers": len({one.headers for one in nothing}) - 1 + len({(one.status, *(name for name, _value in one.headers)) for one in everything}) - 1,
            "queries": len({one.queries for one in everything}) - 1,
            "host calls": len({one.calls for one in everything}) - 1,
        }
        middle = {kind: statistics.median(one.took for one in answers) for kind, answers in seen.items()}
        rows.append(f"  {door}: " + ", ".join(f"{len(answers)} {kind}" for kind, answers in seen.items())
                    + f"; each {len(everything[0].queries)} queries, {len(everything[0].calls)} host calls; difference: "
                    + ", ".join(f"{name} {count}" for name, count in difference.items()) + "; time to missing: "
                    + ", ".join(f"{kind} {value / middle['missing']:.2f}" for kind, value in middle.items() if kind != "missing"))
        assert set(difference.values()) == {0}, rows[-1]
        assert {one.status for one in everything} == {200}
    record_property("numbers", "unsigned links after Continue:\n" + "\n".join(rows))


def test_the_limits_count_hits_and_misses_alike_and_say_the_same(*, walker, sandbox):
    hit = next(item for item, kind in kinds(sandbox, "direct-pay-invoice-by-id").items() if kind == "open")
    refused = []
    for item in (hit, "9999"):
        answers = [walker.press("direct-pay-invoice-by-id", "0" * (number % 3) + item) for number in range(OPENINGS[0] + 1)]
        assert [answer.status for answer in answers] == [200] * OPENINGS[0] + [429]
        refused.append(answers[-1])
    for item in (hit, "9999"):
        network = {hit: "10.200.1.1", "9999": "10.200.2.1"}[item]
        for number in range(OPENINGS[1]):
            assert walker.press("direct-pay-proforma-by-id", str(5000 + number), network=network).status == 200
        refused.append(walker.press("direct-pay-invoice", item, network=network))
    assert {(one.status, one.bare, one.headers, one.queries[:1], one.calls) for one in refused} == {
        (429, refused[0].bare, refused[0].headers, refused[0].queries[:1], ())}
