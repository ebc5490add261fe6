"""The control room under /_sandbox/, the same on both servers: look at the ledger, arm faults, move the clock.

Never counted, never faulted, no login: it exists only beside a sandbox. It decides nothing; it passes JSON to the
world. The apps' own before_request hooks must let the paths under /_sandbox/ pass.

    GET    (nothing): a page that leads to every room
    GET    ledger · capture · events · counters (DELETE: back to zero) · clock · gateway (the switches)
    POST   faults {"server", "kind", "match", "times" | "probability", "seed", "seconds", "status", "booked"}
    GET    faults; DELETE faults, DELETE faults/<id>
    GET    mails (caught), mails/<id> (one as HTML, scripts forbidden)
    POST   send_invoice {"id": 7, "document": "invoice" | "proforma"}: the host mails it, after its events
    POST   clock {"days": 5} | {"seconds": 60} · reset {"seed": "small"} · addon {"url"} · cli {"argv"}
    POST   returns {"transaction_id", "code", "days": 2}
    POST   representments {"transaction_id"} · autovoid {"transaction_id"}
    POST   chargebacks {"transaction_id", "reason"} · expire {"token_last4"}
    POST   updates {"token_last4", "response_code": "A" | "E" | "V" | "C" | "Q", "new_number", "exp": "01/30", "same_token",
                    "days_ago", "customer_id", "pending"}
    POST   answers {"type": "SALE", "action_code": "051", "times", "booked", "response_text", "err_msg", ...}
    POST   host {"spreads_payments": false}: what a payment without a document does, documented but not measured
    POST   gateway {"enq": false, ...}: one switch for each unknown fact, see ``gateway.state.SWITCHES``

What makes no sense is answered 422 with {"error": why}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request

from splynx_ippay_sandbox import rooms
from splynx_ippay_sandbox.faults import FaultError
from splynx_ippay_sandbox.world import SEEDS, World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Answer = Response | tuple[Response, int]


class ControlError(ValueError):
    """A control call that cannot be done; the text goes back with status 422."""


def blueprint(world: World) -> Blueprint:
    """The control blueprint of this world, to be registered on an app as it is."""
    control = Blueprint("sandbox_control", __name__, url_prefix="/_sandbox")
    control.register_error_handler(FaultError, _refuse)
    control.register_error_handler(ControlError, _refuse)
    rooms.add(control)
    _look(control, world)
    _disturb(control, world)
    _move(control, world)
    _banking(control, world)
    _host(control, world)
    _mail(control, world)
    return control


def _refuse(error: Exception) -> Answer:
    return jsonify({"error": str(error)}), 422


def _wish() -> Mapping[str, Any]:
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        message = "a JSON object is needed"
        raise ControlError(message)
    return body


def _look(control: Blueprint, world: World) -> None:
    @control.get("/ledger")
    def ledger() -> Answer:
        world.tick()
        with world.lock:
            return jsonify({name: part.ledger() for name, part in world.parts.items()})

    @control.get("/counters")
    def counters() -> Answer:
        return jsonify(world.counters.snapshot())

    @control.delete("/counters")
    def clear_counters() -> Answer:
        world.counters.clear()
        return jsonify(world.counters.snapshot())

    @control.get("/capture")
    def capture() -> Answer:
        with world.lock:
            return jsonify({"bodies": [body.decode("utf-8", "replace") for body in world.capture]})


def _disturb(control: Blueprint, world: World) -> None:
    @control.get("/faults")
    def listed() -> Answer:
        return jsonify({"faults": world.faults.listed()})

    @control.post("/faults")
    def arm() -> Answer:
        return jsonify(world.faults.add(_wish()).as_json()), 201

    @control.delete("/faults")
    def disarm_all() -> Answer:
        return jsonify({"cleared": world.faults.clear()})

    @control.delete("/faults/<int:fault_id>")
    def disarm(fault_id: int) -> Answer:
        cleared = world.faults.clear(fault_id)
        return jsonify({"cleared": cleared}), 200 if cleared else 404


def _move(control: Blueprint, world: World) -> None:
    def told() -> dict[str, Any]:
        return {"now": world.clock.now().isoformat(), "offset_seconds": world.clock.offset_seconds}

    @control.get("/clock")
    def now() -> Answer:
        return jsonify(told())

    @control.post("/clock")
    def jump() -> Answer:
        wish = _wish()
        if not set(wish) <= {"days", "seconds"} or not all(isinstance(value, int | float) for value in wish.values()):
            message = 'say {"days": N} or {"seconds": N}'
            raise ControlError(message)
        with world.lock:
            world.clock.jump(days=wish.get("days", 0), seconds=wish.get("seconds", 0))
        world.tick()
        return jsonify(told())

    @control.post("/reset")
    def reset() -> Answer:
        seed = _wish().get("seed", world.seed)
        if seed not in SEEDS:
            message = f"seed is one of {', '.join(SEEDS)}"
            raise ControlError(message)
        world.reset(seed)
        return jsonify({"seed": seed})


def _banking(control: Blueprint, world: World) -> None:
    def order(path: str, act: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        def view() -> Answer:
            wish = _wish()
            with world.lock:
                try:
                    return jsonify(act(wish)), 201
                except (LookupError, TypeError, ValueError) as error:
                    message = str(error.args[0]) if error.args else type(error).__name__
                    raise ControlError(message) from error

        control.add_url_rule(path, endpoint=path.strip("/"), view_func=view, methods=["POST"])

    # Looked up at call time: the gateway joins after this blueprint may have been built.
    order("/returns", world.gateway.order_return)
    order("/representments", world.gateway.order_representment)
    order("/chargebacks", world.gateway.order_chargeback)
    order("/expire", world.gateway.expire)
    order("/updates", world.gateway.order_update)
    order("/autovoid", world.gateway.auto_void)
    order("/answers", world.gateway.script_answer)
    order("/gateway", world.gateway.set_switches)

    @control.get("/gateway")
    def switches() -> Answer:
        return jsonify(world.gateway.set_switches({}))


def _host(control: Blueprint, world: World) -> None:
    @control.get("/events")
    def events() -> Answer:
        with world.lock:
            return jsonify({"events": world.host.events()})

    @control.post("/addon")
    def addon() -> Answer:
        url = _wish().get("url")
        world.host.set_addon(url)
        return jsonify({"url": url})

    @control.post("/host")
    def host() -> Answer:
        wish = _wish()
        if set(wish) != {"spreads_payments"} or not isinstance(wish["spreads_payments"], bool):
            message = 'say {"spreads_payments": true or false}'
            raise ControlError(message)
        world.host.spread_payments(wish["spreads_payments"])
        return jsonify(wish)

    @control.post("/cli")
    def cli() -> Answer:
        argv = _wish().get("argv")
        if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv):
            message = "argv is a list of words"
            raise ControlError(message)
        return jsonify(world.host.cli(argv))


def _mail(control: Blueprint, world: World) -> None:
    @control.get("/mails")
    def mails() -> Answer:
        with world.mail_lock:
            return jsonify({"mails": world.mails})

    @control.get("/mails/<int:mail_id>")
    def mail(mail_id: int) -> Answer:
        with world.mail_lock:
            html = next((kept["html"] or kept["text"] for kept in world.mails if kept["id"] == mail_id), None)
        if html is None:
            return jsonify({"error": "there is no such mail"}), 404
        return Response(html, mimetype="text/html", headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"})

    @control.post("/send_invoice")
    def send_invoice() -> Answer:
        wish = _wish()
        document, document_id = wish.get("document", "invoice"), wish.get("id")
        if document not in {"invoice", "proforma"} or not isinstance(document_id, int):
            message = 'say {"id": N, "document": "invoice" or "proforma"}'
            raise ControlError(message)
        try:
            return jsonify(world.host.send(document, document_id)), 201
        except ValueError as error:
            raise ControlError(str(error)) from error
