"""The same client against the sandbox gateway, which nobody wrote to please it: its ledger is the judge."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from splynx_ippay.base.errors import NeverSent, OutcomeUnknown
from splynx_ippay.ippay import messages as m
from splynx_ippay.ippay.client import GatewayClient
from splynx_ippay.ippay.outcomes import Verdict, judge, shows_amount
from splynx_ippay.ippay.report import ReportClient
from splynx_ippay_sandbox.server import Sandbox

PAN = "4000300020001000"


class Gateway:
    """A client of the sandbox with its terminal and a saved card and account."""

    def __init__(self, box):
        self.ready = box.ready
        self.clock = box.world.clock
        self.identity = m.Identity(self.ready["terminal_id"])
        self.client = GatewayClient(self.ready["gateway_url"], ca_file=self.ready["ca_file"], deadline_seconds=20)
        self.control("DELETE", "faults")

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.ready['host_url']}/_sandbox/{path}", data, method=method,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            return json.loads(answer.read())

    def send(self, request):
        reply = self.client.send(request)
        return judge(request.kind, reply), reply

    def card(self):
        verdict, reply = self.send(m.tokenize_card(self.identity, m.Card(PAN, 12, 2040, "Pat"), m.new_transaction_id()))
        assert verdict is Verdict.APPROVED
        return reply.token

    def account(self):
        verdict, reply = self.send(m.tokenize_bank(
            self.identity, m.BankAccount("111000025", "5550123456", "CHECKING", "Pat"), m.new_transaction_id()))
        assert verdict is Verdict.APPROVED
        return reply.token

    def sale(self, token, amount_cents, **more):
        return m.sale(self.identity, transaction_id=m.new_transaction_id(), token=token, amount_cents=amount_cents,
                      origin="INTERNET", holder="O'Brien & Søns <b>", note=m.Note("INV-1", ud2="inst-1"), **more)

    def debit(self, token, amount_cents):
        return m.check(self.identity, transaction_id=m.new_transaction_id(), token=token, amount_cents=amount_cents,
                       account_kind="CHECKING", holder="Pat", check_number=1001)

    def booked(self, request):
        return [row for row in self.control("GET", "ledger")["gateway"]["transactions"]
                if row["transaction_id"] == request.transaction_id and row["state"] != "declined"]

    def read(self, feed):
        client = ReportClient(self.ready["report_url"], self.ready["report_login"], self.ready["report_password"],
                              ca_file=self.ready["ca_file"])
        now = self.clock.now()
        return client.read(feed, now - timedelta(hours=20), now + timedelta(hours=2), self.identity.terminal_id)


@pytest.fixture(scope="module", params=[False, True], ids=["http", "tls"])
def gateway(request, tmp_path_factory):
    with Sandbox(seed="small", tls=request.param, state_dir=tmp_path_factory.mktemp("box")) as box:
        yield Gateway(box)


def test_ping_is_answered(gateway):
    assert gateway.send(m.ping(gateway.identity))[0] is Verdict.APPROVED


def test_a_terminal_it_does_not_know_is_a_matter_of_configuration(gateway):
    assert gateway.send(m.ping(m.Identity("NOBODY")))[0] is Verdict.CONFIGURATION


def test_a_sale_is_approved_found_by_enquiry_and_voided(gateway):
    token = gateway.card()
    sale = gateway.sale(token, 4500, cvv="123", postal_code="84058")
    verdict, reply = gateway.send(sale)
    assert (verdict, reply.avs, reply.cvv2) == (Verdict.APPROVED, "Z", "P")
    assert [row["amount_cents"] for row in gateway.booked(sale)] == [4500]
    verdict, found = gateway.send(m.enquiry(gateway.identity, sale.transaction_id))
    assert verdict is Verdict.APPROVED
    assert found.approval == reply.approval
    assert shows_amount(found, 4500)
    verdict, _ = gateway.send(m.void(gateway.identity, transaction_id=sale.transaction_id, amount_cents=4500,
                                     approval=reply.approval, token=token))
    assert verdict is Verdict.APPROVED
    verdict, _ = gateway.send(m.void(gateway.identity, transaction_id=sale.transaction_id, amount_cents=4500,
                                     approval=reply.approval, token=token))
    assert verdict is Verdict.DECLINED


@pytest.mark.parametrize(("cents", "code"), [(5, "005"), (51, "051"), (54, "054")])
def test_a_penny_trigger_is_a_decline(gateway, cents, code):
    sale = gateway.sale(gateway.card(), 1300 + cents)
    verdict, reply = gateway.send(sale)
    assert (verdict, reply.action_code) == (Verdict.DECLINED, code)
    assert gateway.booked(sale) == []


def test_a_wrong_card_number_is_a_decline(gateway):
    request = m.tokenize_card(gateway.identity, m.Card("4000300020001001", 12, 2040, "Pat"), m.new_transaction_id())
    assert gateway.send(request)[0] is Verdict.DECLINED


def test_a_bank_debit_is_accepted_and_not_more(gateway):
    debit = gateway.debit(gateway.account(), 2500)
    assert gateway.send(debit)[0] is Verdict.ACCEPTED
    assert gateway.send(m.enquiry(gateway.identity, debit.transaction_id))[0] is Verdict.ACCEPTED
    rows = [row for row in gateway.read("ach").rows if row.transaction_id == debit.transaction_id]
    assert [(row.request_type, row.amount_cents) for row in rows] == [("CHECK", 2500)]


def test_money_back_to_a_card_and_to_an_account(gateway):
    request = m.credit(gateway.identity, transaction_id=m.new_transaction_id(), token=gateway.card(), amount_cents=700)
    assert gateway.send(request)[0] is Verdict.APPROVED
    request = m.reversal(gateway.identity, transaction_id=m.new_transaction_id(), token=gateway.account(),
                         amount_cents=700, account_kind="CHECKING", holder="Pat", check_number=1)
    assert gateway.send(request)[0] is Verdict.ACCEPTED


def test_a_token_is_given_a_new_expiry(gateway):
    assert gateway.send(m.redate(gateway.identity, gateway.card(), 1, 2041, m.new_transaction_id()))[0] is Verdict.APPROVED


def test_the_same_id_twice_is_never_taken_for_a_no(gateway):
    sale = gateway.sale(gateway.card(), 1000)
    assert gateway.send(sale)[0] is Verdict.APPROVED
    assert gateway.send(sale)[0] is Verdict.UNKNOWN
    assert len(gateway.booked(sale)) == 1


@pytest.mark.parametrize(("fault", "symptom", "booked"), [
    ({"kind": "drop_before"}, "reset", 0), ({"kind": "drop_after"}, "reset", 1), ({"kind": "reset"}, "reset", 0),
    ({"kind": "half_answer"}, "not_xml", 1), ({"kind": "http_status", "status": 500}, "http_status", 0),
    ({"kind": "html"}, "not_xml", 0), ({"kind": "garbage"}, "not_xml", 0), ({"kind": "xml_bomb"}, "not_xml", 0),
    ({"kind": "oversize"}, "not_xml", 0)])
def test_every_fault_after_the_first_byte_is_unknown(gateway, fault, symptom, booked):
    sale = gateway.sale(gateway.card(), 1600)
    gateway.control("POST", "faults", {"server": "gateway", "match": {"type": "SALE"}, "times": 1} | fault)
    with pytest.raises(OutcomeUnknown) as caught:
        gateway.client.send(sale)
    assert caught.value.symptom == symptom
    assert len(gateway.booked(sale)) == booked


def test_a_slow_drip_of_the_sandbox_ends_at_the_deadline(gateway):
    sale = gateway.sale(gateway.card(), 1600)
    gateway.control("POST", "faults", {"server": "gateway", "kind": "slow_drip", "seconds": 0.2, "times": 1,
                                       "match": {"type": "SALE"}})
    with pytest.raises(OutcomeUnknown) as caught:
        GatewayClient(gateway.ready["gateway_url"], ca_file=gateway.ready["ca_file"], deadline_seconds=0.8).send(sale)
    assert caught.value.symptom == "timeout"
    assert len(gateway.booked(sale)) == 1


def test_a_closed_gateway_was_never_sent(gateway):
    sale = gateway.sale(gateway.card(), 1600)
    gateway.control("POST", "faults", {"server": "gateway", "kind": "refuse"})
    with pytest.raises(NeverSent):
        gateway.client.send(sale)
    gateway.control("DELETE", "faults")
    assert gateway.send(sale)[0] is Verdict.APPROVED


def test_an_echo_is_unknown_and_leaves_nothing_of_the_card(gateway):
    request = m.tokenize_card(gateway.identity, m.Card(PAN, 12, 2040, "Pat"), m.new_transaction_id())
    gateway.control("POST", "faults", {"server": "gateway", "kind": "echo", "match": {"type": "TOKENIZE"}, "times": 1})
    verdict, reply = gateway.send(request)
    assert verdict is Verdict.UNKNOWN
    assert PAN not in " ".join(str(getattr(reply, name)) for name in reply.__slots__)


def test_the_card_feed_shows_the_sale_and_what_we_wrote_on_it(gateway):
    sale = gateway.sale(gateway.card(), 8700)
    gateway.send(sale)
    report = gateway.read("credit")
    row = next(row for row in report.rows if row.transaction_id == sale.transaction_id)
    assert (row.request_type, row.amount_cents, row.action_code, row.order_number, row.ud2) == (
        "SALE", 8700, "000", "INV-1", "inst-1")
    assert abs(row.at - datetime.now(UTC)) < timedelta(hours=1)
    assert report.records == len(report.rows)


def test_every_feed_can_be_read(gateway):
    for feed in ("credit", "ccsettlement", "ccchargebacks", "ach", "achsettlement", "achrejects", "token",
                 "getAccountUpdaterActivity"):
        report = gateway.read(feed)
        assert report.records == len(report.rows)
