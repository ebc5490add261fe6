"""Splynx tells of its documents: proven, taken once, and the link stands in the document before its mail goes out."""

import hashlib
import hmac
import json
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from splynx_ippay import links
from splynx_ippay.links import fields, webhook
from splynx_ippay.tasks import TASKS

HOOK = "/ippay/webhook"


def body_of(document, document_id, *, action="create", **more):
    model = "Invoices" if document == "invoice" else "ProformaInvoices"
    attributes = {"id": document_id, "status": "not_paid", "deleted": "0", "additional_attributes": {}} | more.pop("attributes", {})
    data = {"source": "admin", "model": f"models\\common\\finance\\{model}", "action": action, "date": "2026-11-22",
            "time": "14:38:12", "result": "success", "attributes": attributes, "attributes_additional": []} | more
    return json.dumps({"type": "event", "call": "", "data": data}).encode()


def sign(core, body):
    return hmac.new(webhook.secret_of(core.box).encode(), body, hashlib.sha1).hexdigest()


@pytest.fixture
def tell(web, core, make_browser):
    """tell(body): what the webhook answers; signed unless a signature is given."""
    session = make_browser().session

    def send(body, signature=None, kind="application/json"):
        headers = {"Content-Type": kind, "X-Splynx-Signature": sign(core, body) if signature is None else signature}
        return session.post(f"{web}{HOOK}", data=body, headers=headers, timeout=30)

    return send


def field_of(sandbox, document, document_id):
    rows = sandbox.ledger()["host"]["invoices" if document == "invoice" else "requests"]
    return next(row for row in rows if row["id"] == document_id)["additional_attributes"].get("ippay_link", "")


def puts(sandbox):
    return sum(count for call, count in sandbox.counters()["host"].items() if call.startswith("PUT"))


@pytest.mark.parametrize("document", ["invoice", "proforma"])
@pytest.mark.parametrize("action", ["create", "edit"])
def test_an_event_writes_a_link_that_opens_the_document(*, document, action, tell, sandbox, invoice, proforma, anybody):
    row = invoice if document == "invoice" else proforma
    answer = tell(body_of(document, row["id"], action=action))
    assert (answer.status_code, answer.text) == (200, "ok")
    link = field_of(sandbox, document, row["id"])
    assert link.startswith(sandbox.facts["api_url"] + "ippay/l/")
    assert anybody.get(link).says(row["number"], "Amount due")


def test_a_form_body_is_read_like_json(tell, sandbox, invoice):
    body = urlencode({"type": "event", "data[model]": "models\\common\\finance\\Invoices", "data[action]": "create",
                      "data[result]": "success", "data[attributes][id]": invoice["id"], "data[attributes][status]": "not_paid",
                      "data[attributes]": "nonsense", "data[attributes][x][y]": "z"}).encode()
    assert tell(body, kind="application/x-www-form-urlencoded").status_code == 200
    assert field_of(sandbox, "invoice", invoice["id"])


def test_a_repeated_delivery_does_nothing_twice(tell, sandbox, invoice, core):
    body = body_of("invoice", invoice["id"])
    assert [tell(body).status_code for _ in range(3)] == [200, 200, 200]
    assert puts(sandbox) == 1
    with core.database.read() as session:
        event = session.scalars(select(links.HookEvent)).one()
        assert len(session.scalars(select(links.Link)).all()) == 1
    assert (event.target, event.done_at is not None) == (f"invoice:{invoice['id']}", True)


def test_the_event_of_our_own_writing_and_later_changes_keep_the_link(tell, sandbox, invoice, core, anybody):
    tell(body_of("invoice", invoice["id"]))
    link = field_of(sandbox, "invoice", invoice["id"])
    tell(body_of("invoice", invoice["id"], action="edit", attributes={"additional_attributes": {"ippay_link": link}}))
    tell(body_of("invoice", invoice["id"], action="edit", time="15:00:00"))
    assert puts(sandbox) == 1
    item = {"description": "Less", "quantity": 1, "price": "33.33"}
    core.host.client.put(f"admin/finance/invoices/{invoice['id']}", {"items": [item]})
    assert field_of(sandbox, "invoice", invoice["id"]) == link
    assert anybody.get(link).says("$33.33")


def test_a_field_that_somebody_emptied_is_filled_again_but_not_in_a_loop(tell, sandbox, invoice):
    emptied = {"additional_attributes": {"ippay_link": ""}}
    tell(body_of("invoice", invoice["id"]))
    tell(body_of("invoice", invoice["id"], action="edit", attributes=emptied))
    assert puts(sandbox) == 1, "an event from before the writing"
    sandbox.jump(seconds=120)
    tell(body_of("invoice", invoice["id"], action="edit", time="16:00:00", attributes=emptied))
    assert puts(sandbox) == 2


def test_a_ping_is_answered_with_and_without_a_signature(tell, sandbox):
    ping = json.dumps({"type": "ping"}).encode()
    assert [(answer.status_code, answer.text) for answer in (tell(ping), tell(ping, ""))] == [(200, "ok"), (200, "ok")]
    assert sandbox.counters()["host"] == {}


@pytest.mark.parametrize("damage", ["none", "other", "body", "sha256", "not ascii"])
def test_an_unproven_event_changes_nothing(*, damage, tell, core, sandbox, invoice):
    body = body_of("invoice", invoice["id"])
    signature = {"none": "", "other": "0" * 40, "body": sign(core, body + b" "), "not ascii": "é".encode().decode("latin-1"),
                 "sha256": hmac.new(webhook.secret_of(core.box).encode(), body, hashlib.sha256).hexdigest()}[damage]
    assert tell(body, signature).status_code == 403
    assert (puts(sandbox), field_of(sandbox, "invoice", invoice["id"])) == (0, "")
    with core.database.read() as session:
        assert session.scalars(select(links.HookEvent)).all() == []


@pytest.mark.parametrize("body", [
    b"", b"[]", b"{", b"\xff\xfe", b'{"type":"event","data":[]}', b'{"type":"event","data":{"model":"x","action":"create"}}',
    body_of("invoice", 0), body_of("invoice", "9" * 30), body_of("invoice", "7 or 1"), body_of("invoice", 2, action="delete"),
    body_of("invoice", 2, result="error"), body_of("invoice", 2, attributes={"status": "paid"}),
    body_of("invoice", 2, attributes={"deleted": "1"}), body_of("invoice", 2, model="models\\common\\finance\\Payments"),
    b"[" * 100_000,
])
def test_what_is_no_open_document_is_taken_and_left_alone(*, body, tell, sandbox):
    assert tell(body).status_code == 200
    assert puts(sandbox) == 0


def test_an_event_for_a_document_that_is_gone_is_taken(tell):
    assert tell(body_of("invoice", 99999)).status_code == 200


def test_while_splynx_does_not_answer_the_event_is_asked_for_again(tell, sandbox, invoice, core):
    body = body_of("invoice", invoice["id"])
    sandbox.fault(server="host", kind="http_status", status=500, match={"method": "PUT"}, times=1)
    assert tell(body).status_code == 503
    with core.database.read() as session:
        assert session.scalars(select(links.HookEvent)).one().done_at is None
    assert tell(body).status_code == 200
    assert field_of(sandbox, "invoice", invoice["id"])


def test_switched_off_nothing_is_written(tell, sandbox, invoice, core, settings_of):
    settings_of(core, links_in_documents="0")
    assert tell(body_of("invoice", invoice["id"])).status_code == 200
    TASKS["links"](core)
    assert puts(sandbox) == 0


def test_the_secret_of_a_key_before_a_rotation_still_fits(tell, core, sandbox, invoice):
    from splynx_ippay.base.crypto import KeyBox

    body = body_of("invoice", invoice["id"])
    old = sign(core, body)
    other = core.deployment.key_file.with_name("other")
    KeyBox.create(other)
    core.deployment.key_file.write_text(other.read_text() + core.deployment.key_file.read_text())
    rotated = KeyBox.load(core.deployment.key_file)
    assert webhook.secret_of(rotated) != webhook.secret_of(core.box)
    assert webhook.is_signed(rotated, body, old)
    assert webhook.is_signed(rotated, body, old.upper())


def test_a_withdrawn_link_is_not_replaced_by_an_event_and_a_new_one_replaces_the_old(tell, core, sandbox, invoice, anybody, run_program):
    tell(body_of("invoice", invoice["id"]))
    first = field_of(sandbox, "invoice", invoice["id"])
    run_program(core, "link", "revoke", first)
    tell(body_of("invoice", invoice["id"], action="edit", time="17:00:00"))
    assert puts(sandbox) == 2, "written and emptied"
    TASKS["links"](core)
    assert field_of(sandbox, "invoice", invoice["id"]) == ""
    assert anybody.get(first).says("This link was withdrawn")
    second = run_program(core, "link", "invoice", invoice["id"]).stdout.strip()
    assert field_of(sandbox, "invoice", invoice["id"]) == second
    third = run_program(core, "link", "invoice", invoice["id"]).stdout.strip()
    replaced = anybody.get(second)
    assert replaced.status_code == 410
    assert replaced.says("replaced by a newer one", "Nothing was charged")
    assert anybody.get(third).says(invoice["number"])


def test_a_link_that_has_expired_is_made_anew_by_the_next_event(tell, core, sandbox, invoice, anybody, settings_of):
    settings_of(core, link_days="1")
    tell(body_of("invoice", invoice["id"]))
    first = field_of(sandbox, "invoice", invoice["id"])
    sandbox.jump(days=2)
    assert anybody.get(first).says("This link is too old")
    tell(body_of("invoice", invoice["id"], action="edit", attributes={"additional_attributes": {"ippay_link": first}}))
    second = field_of(sandbox, "invoice", invoice["id"])
    assert second != first
    assert anybody.get(second).says(invoice["number"])
    assert anybody.get(first).says("replaced by a newer one")


def proformas(sandbox):
    return len([row for row in sandbox.ledger()["host"]["requests"] if row["status"] == "not_paid"])


def old_ones(sandbox):
    from datetime import timedelta

    from splynx_ippay.base import clock

    since = (clock.now() - timedelta(days=fields.SWEEP_DAYS)).date().isoformat()
    return len([row for row in sandbox.unpaid_invoices() if row["date_created"] < since])


def test_the_sweep_writes_what_no_event_told_of_once_and_only_for_the_last_days(registered_core, sandbox):
    TASKS["links"](registered_core)
    expected = len(sandbox.unpaid_invoices()) + proformas(sandbox) - old_ones(sandbox)
    assert expected > 3
    assert puts(sandbox) == expected
    sandbox.reset_counters()
    TASKS["links"](registered_core)
    assert puts(sandbox) == 0
    assert sum(sandbox.counters()["host"].values()) == 2, "one page of invoices, one of proformas"


def test_a_sweep_over_many_asks_the_database_once_a_page(registered_core, sandbox, counted_queries):
    sandbox.reset("month")
    try:
        sandbox.reset_counters()
        with counted_queries(registered_core) as seen:
            written = fields.sweep(registered_core)
        assert written > 60
        assert puts(sandbox) == written
        assert len(seen) <= 12, seen.statements
    finally:
        sandbox.reset("small")


def test_a_sweep_that_is_broken_off_remembers_what_it_wrote(registered_core, sandbox):
    from splynx_ippay.base.errors import HostUnavailable

    sandbox.fault(server="host", kind="delay", seconds=0, match={"method": "PUT"}, times=2)
    sandbox.fault(server="host", kind="http_status", status=500, match={"method": "PUT"}, times=50)
    with pytest.raises(HostUnavailable):
        fields.sweep(registered_core)
    sandbox.clear_faults()
    expected = len(sandbox.unpaid_invoices()) + proformas(sandbox) - old_ones(sandbox)
    with registered_core.database.read() as session:
        already = len([row for row in session.scalars(select(links.CurrentLink)) if row.written_at is not None])
    assert fields.sweep(registered_core) == expected - already


def test_old_events_and_codes_are_forgotten(tell, core, sandbox, invoice):
    from splynx_ippay.links import codes

    tell(body_of("invoice", invoice["id"]))
    core.database.run(lambda session: codes.issue(session, core.box, f"invoice:{invoice['id']}"))
    sandbox.jump(days=15)
    TASKS["cleanup"](core)
    with core.database.read() as session:
        assert session.scalars(select(links.HookEvent)).all() == []
        assert session.scalars(select(links.OneTimeCode)).all() == []
