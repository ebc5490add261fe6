"""The sandbox gateway against a client nobody here wrote: Debian's libbusiness-onlinepayment-ippay-perl.

It always dials port 443, so sandbox and client run in a network namespace of the test's own; where that is not allowed,
a free port 443 of this machine does.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("perl") / "client.pl"
INSTALL = "apt-get install -y libbusiness-onlinepayment-ippay-perl"
# Brings up the loopback device (SIOCSIFFLAGS: up, loopback, running) without needing iproute2.
LOOPBACK_UP = (
    "import fcntl, socket, struct; s = socket.socket(); "
    "fcntl.ioctl(s, 0x8914, struct.pack('16sH22x', b'lo', 0x49)); s.close()"
)
INSIDE = """
if [ "$OWN_NET" = 1 ]; then "$PYTHON" -c "$LOOPBACK_UP" || exit 3; fi
"$PYTHON" -m splynx_ippay_sandbox --tls --gateway-port 443 --state "$STATE" \\
    >"$STATE/ready" 2>"$STATE/sandbox.err" </dev/null &
box=$!
trap 'kill $box 2>/dev/null; wait $box 2>/dev/null' EXIT
perl "$SCRIPT" "$STATE/ready" 2>"$STATE/perl.err"
"""
CARD = {
    "type": "VISA",
    "login": "ignored",
    "password": "",
    "name": "Ren\u00e9 O'Brien & S\u00f8ns",
    "address": "123 Anystreet",
    "city": "Anywhere",
    "state": "UT",
    "zip": "84058",
    "card_number": "4111111111111111",
    "expiration": "12/40",
}
BANK = {
    "type": "CHECK",
    "login": "ignored",
    "password": "",
    "name": "Tofu Beast",
    "account_number": "12345",
    "routing_code": "111000025",
    "account_type": "Personal Checking",
}


class Perl:
    """The running client; ``submit`` is one transaction, ``control`` one call of the control room."""

    def __init__(self, process, folder):
        self.process, self.folder = process, folder

    def ask(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            told = "".join(path.read_text() for path in sorted(self.folder.glob("*.err")))
            pytest.fail(f"the Perl client ended: {told}")
        return json.loads(line)

    def submit(self, action, base=CARD, **content):
        return self.ask({"content": {**base, "action": action, **content}})

    def deals(self, transaction_id):
        rows = self.ask({"method": "GET", "path": "ledger"})["gateway"]["transactions"]
        return {row["type"]: row["state"] for row in rows if row["transaction_id"] == transaction_id}


def _namespace():
    """The command prefix that gives a network of one's own, or nothing where the kernel does not allow it."""
    for prefix in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
            return prefix
    return []


@pytest.fixture(scope="module")
def perl(tmp_path_factory):
    found = subprocess.run(
        ["perl", "-MBusiness::OnlinePayment::IPPay", "-MJSON::PP", "-MHTTP::Tiny", "-e", "1"],
        capture_output=True,
        check=False,
    )
    if found.returncode != 0:
        pytest.exit(f"the Perl client is not installed; as root: {INSTALL}", returncode=4)
    folder, prefix = tmp_path_factory.mktemp("perl"), _namespace()
    environment = os.environ | {
        "PYTHON": sys.executable,
        "STATE": str(folder),
        "SCRIPT": str(SCRIPT),
        "LOOPBACK_UP": LOOPBACK_UP,
        "OWN_NET": "1" if prefix else "0",
    }
    process = subprocess.Popen(
        [*prefix, "sh", "-c", INSIDE], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    client = Perl(process, folder)
    try:
        assert client.read() == {"ready": 1}
        yield client
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def test_a_sale_is_approved_and_booked(perl):
    sold = perl.submit("Normal Authorization", amount="49.95", cvv2="123", invoice_number="INV-7")
    assert (sold["is_success"], sold["result_code"], sold["avs_code"], sold["cvv2_response"]) == (1, "000", "Y", "P")
    assert len(sold["authorization"]) == 6
    assert perl.deals(sold["order_number"]) == {"SALE": "booked"}
    [row] = [
        row
        for row in perl.ask({"method": "GET", "path": "ledger"})["gateway"]["transactions"]
        if row["transaction_id"] == sold["order_number"]
    ]
    assert (row["amount_cents"], row["order_number"], row["terminal_id"]) == (4995, "INV-7", "TESTTERMINAL")
    assert row["ud3"].startswith("Business::OnlinePayment::IPPay")


def test_a_name_beyond_ascii_arrives_whole(perl):
    perl.submit("Normal Authorization", amount="10.00")
    assert "&#xE9;" in perl.ask({"method": "GET", "path": "capture"})["bodies"][-1]


def test_a_declined_sale_says_so(perl):
    declined = perl.submit("Normal Authorization", amount="13.05")
    assert (declined["is_success"], declined["result_code"], declined["error_message"]) == (0, "005", "DECLINED")
    assert perl.deals(declined["order_number"]) == {"SALE": "declined"}


def test_a_bad_card_number_is_an_error(perl):
    refused = perl.submit("Normal Authorization", amount="49.95", card_number="4111111111111112")
    assert (refused["is_success"], refused["result_code"]) == (0, "900")
    assert refused["error_message"] == "Invalid card number.  "
    assert perl.deals(refused["order_number"]) == {}


def test_an_expired_card_is_refused(perl):
    assert perl.submit("Normal Authorization", amount="49.95", expiration="01/20")["result_code"] == "917"


def test_an_amount_of_nothing_is_an_error(perl):
    assert perl.submit("Normal Authorization", amount="0.00")["error_message"] == "Value must be non-zero."


def test_an_authorisation_is_captured_once(perl):
    held = perl.submit("Authorization Only", amount="49.95")
    assert held["is_success"] == 1
    captured = perl.submit("Post Authorization", amount="49.95", order_number=held["order_number"])
    assert (captured["is_success"], captured["result_code"]) == (1, "000")
    assert captured["authorization"] == held["authorization"]
    assert perl.deals(held["order_number"]) == {"AUTHONLY": "booked", "CAPT": "booked"}
    again = perl.submit("Post Authorization", amount="49.95", order_number=held["order_number"])
    assert (again["is_success"], again["result_code"]) == (0, "025")


def test_a_capture_of_a_decline_finds_nothing(perl):
    declined = perl.submit("Authorization Only", amount="13.05")
    assert declined["result_code"] == "005"
    assert (
        perl.submit("Post Authorization", amount="13.05", order_number=declined["order_number"])["result_code"] == "025"
    )


def test_a_sale_is_voided_once(perl):
    sold = perl.submit("Normal Authorization", amount="25.00")
    order = {"amount": "25.00", "order_number": sold["order_number"], "authorization": sold["authorization"]}
    wrong = perl.submit("Void", **{**order, "authorization": "WRONG1"})
    assert (wrong["is_success"], wrong["result_code"]) == (0, "025")
    voided = perl.submit("Void", **order)
    assert (voided["is_success"], voided["error_message"], voided["authorization"]) == (
        1,
        "VOID PROCESSED",
        sold["authorization"],
    )
    assert perl.deals(sold["order_number"])["SALE"] == "void"
    assert perl.submit("Void", **order)["result_code"] == "025"


def test_a_credit_is_accepted_without_triggers(perl):
    given = perl.submit("Credit", amount="15.05")
    assert (given["is_success"], given["error_message"]) == (1, "RETURN ACCEPTED")
    assert given["authorization"].isdigit()
    assert perl.deals(given["order_number"]) == {"CREDIT": "booked"}
    assert perl.submit("Credit", amount="15.00", card_number="4111111111111112")["result_code"] == "900"


def test_a_reversal_of_an_authorisation_is_no_valid_type(perl):
    held = perl.submit("Authorization Only", amount="20.00")
    refused = perl.submit("Reverse Authorization", amount="20.00", order_number=held["order_number"])
    assert refused["is_success"] == 0
    assert refused["error_message"] == "The transaction type is not a valid transaction type."


def test_a_check_is_accepted_and_its_refusals_are_told(perl):
    accepted = perl.submit("Normal Authorization", BANK, amount="13.05")
    assert (accepted["is_success"], accepted["authorization"], accepted["error_message"]) == (
        1,
        "000000",
        "CHECK ACCEPTED",
    )
    assert perl.deals(accepted["order_number"]) == {"CHECK": "booked"}
    bad = perl.submit("Normal Authorization", BANK, amount="13.05", routing_code="111000026")
    assert (bad["is_success"], bad["result_code"], bad["error_message"]) == (0, "923", "Invalid ABA.")


def test_a_bank_credit_is_accepted_and_a_bank_void_is_not(perl):
    accepted = perl.submit("Normal Authorization", BANK, amount="30.00")
    assert perl.submit("Credit", BANK, amount="30.00")["error_message"] == "CHECK ACCEPTED"
    refused = perl.submit("Void", BANK, amount="30.00", order_number=accepted["order_number"])
    assert refused["is_success"] == 0
    assert refused["error_message"].startswith("VOIDACH transactions are no longer supported")


def test_a_lost_answer_leaves_the_client_without_a_result(perl):
    perl.ask(
        {
            "method": "POST",
            "path": "faults",
            "body": {"server": "gateway", "kind": "drop_after", "match": {"type": "SALE"}},
        }
    )
    lost = perl.submit("Normal Authorization", amount="77.00")
    assert (lost["is_success"], lost["result_code"]) == (0, "")
    rows = perl.ask({"method": "GET", "path": "ledger"})["gateway"]["transactions"]
    assert rows[-1]["amount_cents"] == 7700
    assert rows[-1]["state"] == "booked", "booked all the same"
