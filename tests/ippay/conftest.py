"""A gateway that misbehaves byte by byte: each test says what its server does with the raw connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading

import pytest
import trustme

from splynx_ippay.ippay import messages

IDENTITY = messages.Identity("TESTTERMINAL")
PAN, TOKEN, CVV = "4000300020001000", "4B3J7E7D7K2A1000", "739"


class RawServer:
    """Listens on a free loopback port and gives every connection to ``talk`` in a thread of its own."""

    def __init__(self, talk, context=None):
        self._talk, self._context = talk, context
        self.connections = 0
        self.requests = []
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}/ippay"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            if self._context:
                with self._context.wrap_socket(connection, server_side=True) as secure:
                    self._talk(self, secure)
            else:
                self._talk(self, connection)

    def read(self, connection):
        """Read one whole request and keep it."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._some(connection)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        while len(body) < length:
            body += self._some(connection)
        self.requests.append((head, body))
        return body

    @staticmethod
    def _some(connection):
        data = connection.recv(65536)
        if not data:
            raise ConnectionError
        return data

    def close(self):
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def serve():
    """Start a raw server: ``serve(talk)`` or ``serve(talk, context)``."""
    servers = []

    def start(talk, context=None):
        servers.append(RawServer(talk, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def answer():
    """A server's talk that reads the request and sends an HTTP answer with this body; {id} is the request's id."""
    def make(body, status="200 OK", extra=b""):
        def talk(server, connection):
            asked = server.read(connection)
            shown = asked.partition(b"<TransactionID>")[2].partition(b"<")[0]
            text = body.replace(b"{id}", shown)
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n".encode()
            connection.sendall(head + extra + b"\r\n" + text)
        return talk
    return make


@pytest.fixture
def reset():
    """Close a connection with RST instead of FIN."""
    def do(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    return do


@pytest.fixture
def approved():
    return (b"<ippayResponse><TransactionID>{id}</TransactionID><ActionCode>000</ActionCode><Approval>TEST01</Approval>"
            b"<ResponseText>APPROVED</ResponseText></ippayResponse>")


@pytest.fixture
def approving(answer, approved):
    """A server's talk that approves whatever it is asked."""
    return answer(approved)


@pytest.fixture
def sale():
    """A sale of 45.00 with everything secret in it."""
    return messages.sale(messages.Identity("TESTTERMINAL", "pass-word-1"), transaction_id=messages.new_transaction_id(),
                         token=TOKEN, amount_cents=4500, origin="INTERNET", cvv=CVV)


@pytest.fixture
def tokenize():
    return messages.tokenize_card(IDENTITY, messages.Card(PAN, 12, 2030, "Pat Doe", cvv=CVV),
                                  messages.new_transaction_id())


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="session")
def tls(authority):
    """A server context for a host name or address, signed by the test's own authority."""
    def make(name="127.0.0.1", signer=authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        signer.issue_cert(name).configure_cert(context)
        return context
    return make
