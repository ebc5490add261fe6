"""Payments, faults, clock jumps and the worker's rounds in random order: the three sentences of house section 1 hold.

Bounded and seeded: a failure names its seed and prints every step.
"""

import random

import pytest

from splynx_ippay.base.errors import AddOnError
from splynx_ippay.payments import charge, decisions, line_decisions, proposals
from splynx_ippay.payments.models import Booking, Door, State

GATEWAY_FAULTS = ["drop_before", "drop_after", "reset", "half_answer", "html", "garbage", "http_status", "echo", "oversize"]
HOST_FAULTS = ["drop_before", "drop_after", "half_answer", "html", "http_status", "garbage"]
STEPS = 50
ANNA, BEN = proposals.Person(1, "staff 1", "administrator"), proposals.Person(2, "staff 2", "financial-manager")


class Player:
    """Does one random thing after another and keeps a diary."""

    def __init__(self, desk, seed):
        self.desk, self.random, self.diary = desk, random.Random(seed), []
        self.methods = {customer: [desk.saved_card(customer), desk.saved_bank(customer)] for customer in (1, 2, 3)}
        self.orders = []

    def pay(self):
        customer = self.random.choice([1, 2, 3])
        unpaid = self.desk.sandbox.unpaid_invoices(customer)
        choices = [self.desk.topup(self.random.randrange(1, 90) * 100)]
        choices += [self.desk.invoice(customer, position) for position in range(len(unpaid))]
        items = self.random.sample(choices, 1 if self.random.random() < 0.8 else min(2, len(choices)))
        method = self.random.choice(self.methods[customer])
        door = self.random.choice([Door.PORTAL, Door.STAFF, Door.LINK])
        order = self.desk.order(charge.SavedMethod(method.id), *items, customer_id=customer, door=door)
        self.orders.append(order)
        self.take(order)

    def charge_balance(self):
        """What a Charge of outstanding balances does with one customer."""
        customer = self.random.choice([1, 2, 3])
        try:
            item = self.desk.balance(customer)
        except AddOnError as error:
            self.diary.append(f"balance of {customer} -> {type(error).__name__}: {error}")
            return
        if item.amount.cents > 0:
            method = self.random.choice(self.methods[customer])
            self.take(self.desk.order(charge.SavedMethod(method.id), item, customer_id=customer, door=Door.RUN, origin="RECURRING"))

    def press_again(self):
        if self.orders:
            self.take(self.random.choice(self.orders))

    def take(self, order):
        self.diary.append(f"pay {[(item.document, item.document_id, item.amount.cents) for item in order.items]}")
        try:
            self.diary[-1] += f" -> {charge.take(self.desk.core, order).state}"
        except AddOnError as error:
            self.diary[-1] += f" -> {type(error).__name__}: {error}"

    def spoil_gateway(self):
        self.fault("gateway", self.random.choice(GATEWAY_FAULTS), {"type": self.random.choice(["SALE", "CHECK", "ENQ"])})

    def spoil_reports(self):
        self.fault("gateway", self.random.choice(["html", "garbage", "drop_before"]), {"path": "/ippayReport/"})

    def spoil_host(self):
        self.fault("host", self.random.choice(HOST_FAULTS), {"method": self.random.choice(["GET", "POST", "PUT"])})

    def fault(self, server, kind, match):
        self.diary.append(f"{server} {kind} {match}")
        self.desk.sandbox.fault(server=server, kind=kind, match=match, times=self.random.choice([1, 1, 2]))

    def come_back(self):
        debits = [row for row in self.desk.sandbox.ledger()["gateway"]["transactions"]
                  if row["type"] == "CHECK" and row["state"] in ("booked", "settled")]
        if debits:
            row, code = self.random.choice(debits), self.random.choice(["R01", "R02", "R10", "C01", "R61"])
            self.diary.append(f"return {row['transaction_id']} {code}")
            self.desk.sandbox.control("POST", "returns", {"transaction_id": row["transaction_id"], "code": code, "days": 0})

    def decide(self):
        """Two administrators look at what really happened and decide about what waits for them."""
        attempts = self.desk.attempts()
        waiting = [(one, None) for one in attempts if one.state == State.REVIEW]
        waiting += [(one, line) for one in attempts for line in one.lines if line.booking == Booking.REVIEW and one.state != State.REVIEW]
        if waiting:
            attempt, line = self.random.choice(waiting)
            self.diary.append(f"decide {attempt.transaction_id}")
            try:
                self.diary[-1] += f" -> {self.about(attempt) if line is None else self.about_line(attempt, line)}"
            except AddOnError as error:
                self.diary[-1] += f" -> {type(error).__name__}: {error}"
        return bool(waiting)

    def about(self, attempt):
        truth = next((row["state"] for row in self.desk.sandbox.ledger()["gateway"]["transactions"]
                      if row["transaction_id"] == attempt.transaction_id and row["type"] in ("SALE", "CHECK")), "declined")
        is_there = State.APPROVED if attempt.instrument == "card" or truth == "settled" else State.ACCEPTED
        target = {"booked": is_there, "settled": is_there, "voided": State.VOIDED, "returned": State.RETURNED}.get(truth, State.ABANDONED)
        decision = decisions.decide(self.desk.core, ANNA, attempt.id, self.desk.wish(attempt, target))
        if decision.standing == "open":
            decisions.confirm(self.desk.core, BEN, decision.id)
        return target

    def about_line(self, attempt, line):
        money_there = attempt.state in (State.APPROVED, State.ACCEPTED)
        is_shown = bool(self.desk.payments_of(attempt))
        target = (Booking.POSTED if is_shown else Booking.DUE) if money_there else Booking.UNDO_DUE
        line_decisions.decide(self.desk.core, ANNA, line.id, self.desk.wish(attempt, target))
        return target

    def tick(self):
        seconds = self.random.choice([6, 60, 400, 2000, 4000, 90_000])
        self.diary.append(f"tick after {seconds} s")
        self.desk.tick(seconds=seconds)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_the_books_agree(desk, sandbox, settings_of, breaches, seed):
    settings_of(desk.core, bank_posting=["auto", "on_acceptance"][seed % 2])
    desk.core.host_seconds = 3
    player = Player(desk, seed)
    moves = [player.pay] * 6 + [player.charge_balance] * 2 + [player.tick] * 4 + [player.spoil_gateway] * 3 + [
        player.spoil_host, player.spoil_reports, player.press_again, player.come_back, player.decide]
    for step in range(STEPS):
        player.random.choice(moves)()
        if step % 10 == 9:
            assert breaches() == [], player.diary
    sandbox.clear_faults()
    for seconds in (60, 700, 2000, 4000, 90_000, 90_000, 4000):
        desk.tick(seconds=seconds)
    assert breaches() == [], player.diary
    for attempt in desk.attempts():
        assert attempt.state not in (State.INTENDED, State.UNKNOWN), player.diary
        if attempt.state == State.APPROVED:
            assert all(line.booking == "posted" for line in attempt.lines) or attempt.reason, player.diary
    for _ in range(60):
        if not player.decide():
            break
        desk.tick(seconds=700)
    assert breaches() == [], player.diary
    assert not player.decide(), player.diary  # nothing waits for a person for ever


@pytest.mark.parametrize(("server", "kind", "words"), [
    ("gateway", "duplicate", "taken, total"), ("gateway", "wrong_amount", "taken, total"), ("host", "lose_posting", "was taken"),
    ("host", "duplicate", "booked 2 times")])
def test_the_judge_sees_what_it_is_there_to_see(desk, sandbox, breaches, server, kind, words):
    desk.excused.add("the gateway booked twice")
    match = {"type": "SALE"} if server == "gateway" else {"method": "POST", "path": "admin/finance/payments"}
    sandbox.fault(server=server, kind=kind, match=match)
    desk.pay(desk.saved_card(), desk.invoice())
    assert any(words in breach for breach in breaches())
