"""Page, mail and Splynx tell a bank debit's story in the same words on each of its days (N-8), through a late R10."""

from splynx_ippay.letters import sending
from splynx_ippay.payments import booking, returns, view

# What the newest mail says while the page shows an ending, and what Splynx then shows of the invoice.
SAYS = {"accepted": ("is on its way", {"pending", "not_paid"}), "settled": ("your bank has paid", {"paid"}),
        "returned": ("came back", {"not_paid"})}


def test_on_each_day_of_a_debit_the_newest_mail_the_page_and_splynx_agree(desk, caught, sandbox):
    invoice = desk.invoice()
    attempt = desk.pay(desk.saved_bank(), invoice)
    sending.tick(desk.core)
    sandbox.control("POST", "returns", {"transaction_id": attempt.transaction_id, "code": "R10", "days": 20})
    seen = []
    for _day in range(32):
        ending = view.ending(desk.attempt(attempt.id)).name
        words, statuses = SAYS[ending]
        assert words in caught()[-1]["subject"]
        assert sandbox.invoice(invoice.document_id)["status"] in statuses
        seen.append(ending)
        sandbox.jump(days=1)
        returns.tick(desk.core)
        booking.tick(desk.core)
        sending.tick(desk.core)
    assert list(dict.fromkeys(seen)) == ["accepted", "settled", "returned"]
    assert len(caught()) == 3, "one mail a change, whatever the number of days"
