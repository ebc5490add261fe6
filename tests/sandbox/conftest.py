"""Fixtures of the sandbox's own tests: a sandbox in this process, and callers that know its two wires."""

from __future__ import annotations

from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
import requests

from splynx_ippay_sandbox.server import Sandbox

CARD = {"CardNum": "4111111111111111", "CardExpMonth": "12", "CardExpYear": "40"}
ACCOUNT = (
    '<ACH Type="CHECKING" SEC="WEB"><AccountNumber>12345678</AccountNumber><ABA>111000025</ABA>'
    "<CheckNumber>7</CheckNumber></ACH>"
)


class Gateway:
    """Speaks IPpay XML over real HTTP; a reply is its elements, its root under ``root``."""

    def __init__(self, ready):
        self.ready = ready
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = ready["ca_file"] or True

    def post(self, body, **headers):
        return self.session.post(self.ready["gateway_url"], data=body, headers=headers, timeout=20)

    def call(self, kind, xml="", *, root="ippay", terminal="TESTTERMINAL", **fields):
        elements = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
        head = f"<TransactionType>{kind}</TransactionType><TerminalID>{terminal}</TerminalID>"
        answer = self.post(f"<{root}>{head}{elements}{xml}</{root}>")
        assert answer.status_code == 200, answer.text
        return self.read(answer.content)

    @staticmethod
    def read(content):
        document = ET.fromstring(content)
        return SimpleNamespace(root=document.tag, **{child.tag: child.text or "" for child in document})

    def sale(self, transaction_id, cents=1000, kind="SALE", **more):
        return self.call(kind, TransactionID=transaction_id, TotalAmount=cents, **{**CARD, **more})

    def check(self, transaction_id, cents=1000, xml=ACCOUNT, kind="CHECK", **more):
        return self.call(kind, xml, TransactionID=transaction_id, TotalAmount=cents, **{"CardName": "Pat Doe", **more})

    def token(self, terminal="TESTTERMINAL", **fields):
        return self.call("TOKENIZE", terminal=terminal, **(fields or CARD)).Token

    def report(self, feed, start, end, *, login=None, password=None, terminal=""):
        body = (
            f"<ippayReport><MerchantID>{login or self.ready['report_login']}</MerchantID>"
            f"<TerminalID>{terminal}</TerminalID><Password>{password or self.ready['report_password']}</Password>"
            f"<TransactionRange><TransactionType>{feed}</TransactionType>"
            f"<TransactionStartTime>{start}</TransactionStartTime><TransactionEndTime>{end}</TransactionEndTime>"
            "</TransactionRange></ippayReport>"
        )
        answer = self.session.post(self.ready["report_url"], data=body, timeout=20)
        assert answer.status_code == 200
        return ET.fromstring(answer.content)


class Control:
    """The control room, through the host's port unless the host is the one that is closed."""

    def __init__(self, ready):
        self.bases = {"host": ready["host_url"], "gateway": ready["gateway_url"].removesuffix("/ippay")}
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = ready["ca_file"] or True

    def __call__(self, verb, path, body=None, *, status=None, through="host"):
        answer = self.session.request(verb, f"{self.bases[through]}/_sandbox/{path}", json=body, timeout=20)
        if status is None:
            assert answer.status_code < 300, answer.text
        else:
            assert answer.status_code == status, answer.text
        return answer.json()

    def fault(self, kind, server="gateway", **more):
        return self("POST", "faults", {"server": server, "kind": kind, **more})["id"]

    def deals(self, **wanted):
        rows = self("GET", "ledger")["gateway"]["transactions"]
        return [row for row in rows if all(row[name] == value for name, value in wanted.items())]

    def jump(self, **step):
        return self("POST", "clock", step)


def _running(tls):
    with Sandbox(tls=tls) as box:
        yield box


@pytest.fixture(scope="session")
def plain_box():
    yield from _running(False)


@pytest.fixture(scope="session")
def tls_session_box():
    yield from _running(True)


@pytest.fixture
def box(plain_box):
    """The sandbox in this process, fresh."""
    plain_box.world.reset("small")
    yield plain_box
    plain_box.world.faults.clear()


@pytest.fixture
def tls_box(tls_session_box):
    """The same with HTTPS at the gateway."""
    tls_session_box.world.reset("small")
    yield tls_session_box
    tls_session_box.world.faults.clear()


@pytest.fixture
def gateway(box):
    caller = Gateway(box.ready)
    yield caller
    caller.session.close()


@pytest.fixture
def tls_gateway(tls_box):
    caller = Gateway(tls_box.ready)
    yield caller
    caller.session.close()


@pytest.fixture
def control(box):
    caller = Control(box.ready)
    yield caller
    caller.session.close()


@pytest.fixture
def tls_control(tls_box):
    caller = Control(tls_box.ready)
    yield caller
    caller.session.close()
