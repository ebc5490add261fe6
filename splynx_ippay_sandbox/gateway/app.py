"""The gateway's Flask app: POST and GET /ippay, POST /ippayReport/. Decides nothing about money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

from splynx_ippay_sandbox import faults
from splynx_ippay_sandbox.gateway import report, rules, wire
from splynx_ippay_sandbox.gateway.state import GatewayState
from splynx_ippay_sandbox.interference import reset_connection

if TYPE_CHECKING:
    from splynx_ippay_sandbox.world import World


def create_app(world: World) -> Flask:
    """Build the gateway and let its state join the world as "gateway"."""
    state = GatewayState(world)
    world.join("gateway", state)
    app = Flask("splynx_ippay_sandbox.gateway", static_folder=None)
    app.url_map.strict_slashes = False
    app.config["PROPAGATE_EXCEPTIONS"] = True  # a dropped connection must reach the listener

    @app.post("/ippay")
    def transact() -> Response:
        with world.lock:
            if state.switches["blocked"]:
                return _blocked(state.switches["blocked"])
            state.tick()
            return _xml(_transact(state, request.get_data()))

    @app.get("/ippay")
    def new_id() -> Response:
        with world.lock:
            return Response(state.make_transaction_id(), mimetype="text/plain")

    @app.post("/ippayReport")
    def reports() -> Response:
        with world.lock:
            state.tick()
            return _xml(report.answer(state, request.get_data()))

    return app


def _transact(state: GatewayState, body: bytes) -> bytes:
    try:
        message = wire.read(body)
    except wire.UnreadableError as error:
        return wire.write("ippayResponse", {"ActionCode": "921", "ErrMsg": str(error)})
    fault = faults.current(request.environ)
    if fault is not None and fault.kind == "echo":
        return wire.write_echo(message, message.get("TransactionID") or state.make_transaction_id())
    return wire.write(message.reply_root, rules.answer(state, message, fault))


def _blocked(how: str) -> Response:
    """A caller who is not on the whitelist: not public what he sees, so both guesses exist."""
    if how == "reset":
        reset_connection(request.environ["werkzeug.socket"])
    return Response("<html><body>Forbidden</body></html>", 403, mimetype="text/html")


def _xml(body: bytes) -> Response:
    return Response(body, mimetype="text/xml")
