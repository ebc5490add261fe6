"""Webhooks: every change is an event, kept in a list and sent to the hooks that ask for it.

Body and signature as documented: JSON, ``X-Splynx-Signature`` = lower-case hex HMAC-SHA1 of the raw body.
Delivery is in the background and never delays or fails the change itself; who must not overtake it waits in ``settle``.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from splynx_ippay_sandbox.host.registry import Hook
    from splynx_ippay_sandbox.host.state import HostState
    from splynx_ippay_sandbox.host.table import Row

MODELS = {
    "customer": "models\\common\\customers\\Customers",
    "customer_billing": "models\\common\\customers\\CustomerBilling",
    "invoice": "models\\common\\finance\\Invoices",
    "proforma": "models\\common\\finance\\ProformaInvoices",
    "payment": "models\\common\\finance\\Payments",
    "transaction": "models\\common\\finance\\Transactions",
    "bank_statement": "models\\common\\finance\\BankStatements",
}
_TRIES = 2
_SECONDS = 5
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def sign(body: bytes, secret: str) -> str:
    """Return the signature header of a webhook."""
    return hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def emit(state: HostState, subject: str, action: str, shown: Row, changed: Row | None = None) -> None:
    """Record an event such as ``invoice/pay`` and send it to the hooks that want it."""
    if state.muted:
        return
    now = state.now()
    data: dict[str, Any] = {
        "source": "api", "model": MODELS[subject], "action": action, "date": now.date().isoformat(),
        "time": now.strftime("%H:%M:%S"), "administrator_id": None, "customer_id": shown.get("customer_id"),
        "result": "success", "attributes": shown, "attributes_additional": [], "changed_attributes": changed, "extra": None,
        "errors": None, "ip": "127.0.0.1",
    }
    event = f"{subject}/{action}"
    body = {"type": "event", "call": "", "data": data}
    wanted = [hook for hook in state.registry.hooks.values() if hook.enabled and (not hook.events or event in hook.events)]
    entry: dict[str, Any] = {"event": event, "at": now.isoformat(), "body": body, "deliveries": []}
    state.events.append(entry)
    if wanted:
        raw = json.dumps(body).encode()
        thread = threading.Thread(target=_deliver, args=(wanted, raw, entry["deliveries"]), daemon=True, name="host-webhooks")
        state.deliveries = [*(one for one in state.deliveries if one.is_alive()), thread]
        thread.start()


def settle(state: HostState, seconds: float) -> None:
    """Wait until the deliveries under way have ended, at most so long. Never called under the world's lock."""
    ends = time.monotonic() + seconds
    for thread in list(state.deliveries):
        thread.join(max(0.0, ends - time.monotonic()))


def _deliver(hooks: list[Hook], raw: bytes, deliveries: list[dict[str, Any]]) -> None:
    for hook in hooks:
        for _ in range(_TRIES):
            status = _post(hook, raw)
            deliveries.append({"hook": hook.id, "url": hook.url, "status": status})
            if status == 200:
                break


def _post(hook: Hook, raw: bytes) -> int:
    """Send once; 0 means that nobody answered."""
    headers = {"Content-Type": "application/json", "X-Splynx-Signature": sign(raw, hook.secret)}
    request = urllib.request.Request(hook.url, data=raw, headers=headers, method="POST")
    try:
        with _DIRECT.open(request, timeout=_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0
