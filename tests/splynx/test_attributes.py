"""Additional fields of documents: written one by one, read by pages that neither miss nor repeat."""

import json
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from splynx_ippay.base.errors import HostRejected, HostUnavailable
from splynx_ippay.splynx.attributes import value_of

LONG_AGO = date(2000, 1, 1)


def test_a_field_is_written_beside_the_others_and_read_again(registered_core, sandbox):
    host = registered_core.host
    unpaid = sandbox.unpaid_invoices()
    host.put_additional_attributes("invoice", unpaid[0]["id"], {"ippay_link": "https://pay.example/l/1"})
    pages = list(host.unpaid_attribute_pages("invoice", "ippay_link", LONG_AGO))
    assert [(one.id, one.value) for page in pages for one in page] == [
        (row["id"], "https://pay.example/l/1" if row["id"] == unpaid[0]["id"] else "") for row in unpaid]
    host.put_additional_attributes("proforma", 1, {"ippay_link": "https://pay.example/l/2"})
    [page] = host.unpaid_attribute_pages("proforma", "ippay_link", LONG_AGO)
    assert page[0].value == "https://pay.example/l/2"
    with pytest.raises(HostRejected):
        host.put_additional_attributes("invoice", 99999, {"ippay_link": "x"})


@pytest.mark.parametrize("size", [1, 2, 3, 500])
def test_pages_of_every_size_hold_every_unpaid_document_once(registered_core, sandbox, *, size):
    expected = [row["id"] for row in sandbox.unpaid_invoices()]
    pages = list(registered_core.host.unpaid_attribute_pages("invoice", "ippay_link", LONG_AGO, size))
    assert [one.id for page in pages for one in page] == expected
    assert all(len(page) <= size for page in pages)


def test_only_documents_since_the_day_are_read(registered_core, sandbox):
    newest = max(row["date_created"] for row in sandbox.unpaid_invoices())
    pages = list(registered_core.host.unpaid_attribute_pages("invoice", "ippay_link", date.fromisoformat(newest)))
    assert [one.id for page in pages for one in page] == [row["id"] for row in sandbox.unpaid_invoices() if row["date_created"] == newest]


@pytest.mark.parametrize(("row", "value"), [
    ({}, None), ({"additional_attributes": []}, None), ({"additional_attributes": {}}, None), ({"additional_attributes": None}, None),
    ({"additional_attributes": {"ippay_link": None}}, ""), ({"additional_attributes": {"ippay_link": "x"}}, "x"),
])
def test_an_absent_field_is_told_from_an_empty_one(*, row, value):
    assert value_of(row, "ippay_link") == value


@pytest.fixture
def forgetful_host():
    """A host that knows no filter: it sends the same unsorted rows whatever is asked."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            assert "main_attributes[id][0]" in parse_qs(urlsplit(self.path).query)
            self.answer(200, [{"id": 5, "status": "not_paid"}, {"id": 3, "status": "not_paid"}])

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(201, {"access_token": "a.b.c", "refresh_token": "d", "access_token_expiration": 4102444800,
                              "refresh_token_expiration": 4102444800})

        def answer(self, status, value):
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_host_that_does_not_sort_by_id_is_not_believed(forgetful_host):
    from splynx_ippay.splynx.client import SplynxClient
    from splynx_ippay.splynx.resources import Host

    with pytest.raises(HostUnavailable, match="does not sort or filter documents by id"):
        list(Host(SplynxClient(forgetful_host, "k", "s")).unpaid_attribute_pages("invoice", "ippay_link", LONG_AGO))
