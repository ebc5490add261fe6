"""The API over HTTP, versions 1.0 and 2.0: paths to resources, verbs to actions, exact status codes.

GET 200, OPTIONS 200, POST 201, PUT 202, DELETE 204, HEAD 204 (the official PHP client accepts nothing else).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from splynx_ippay_sandbox import faults
from splynx_ippay_sandbox.host import auth, query, tokens
from splynx_ippay_sandbox.host.catalogue import catalogue
from splynx_ippay_sandbox.host.customer_resources import PaymentAccounts, composite
from splynx_ippay_sandbox.host.errors import ApiError, Invalid
from splynx_ippay_sandbox.host.finance_resources import Payments

if TYPE_CHECKING:
    from splynx_ippay_sandbox.host.auth import Caller
    from splynx_ippay_sandbox.host.part import HostPart
    from splynx_ippay_sandbox.host.resources import Resource

_METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"]
_TOKENS = "admin/auth/tokens"


def blueprint(host: HostPart) -> Blueprint:
    """Return the blueprint under /api/."""
    api = Blueprint("host_api", __name__, url_prefix="/api")
    resources = catalogue(host.state)

    def call(version: str, path: str) -> Response:
        with host.world.lock:
            try:
                return _answer(host, resources, version, path)
            except ApiError as error:
                return _json(error.body(), error.status)
            except Invalid as error:
                return _json(error.body(), 422)
            except query.BadQuery as error:
                return _json(ApiError(400, str(error), "bad_request").body(), 400)

    api.add_url_rule("/<version>/<path:path>", "call", call, methods=_METHODS, provide_automatic_options=False)
    return api


def _answer(host: HostPart, resources: dict[str, Resource], version: str, path: str) -> Response:
    if version not in ("1.0", "2.0"):
        raise ApiError(404, "Unknown API version.", "not_found")
    if path.rstrip("/") == _TOKENS or path.startswith(f"{_TOKENS}/"):
        return _tokens(host, version, path.strip("/"))
    return _resource(host, resources, version, path)


def _tokens(host: HostPart, version: str, path: str) -> Response:
    """Log in, renew or log out; only API 2.0 has tokens."""
    refresh_token = path.removeprefix(_TOKENS).strip("/")
    if version != "2.0":
        raise ApiError(404, "Tokens exist in API 2.0 only.", "not_found")
    if request.method == "POST" and not refresh_token:
        return _json(auth.log_in(host.state, _body(), request.remote_addr or ""), 201)
    if request.method == "GET" and refresh_token:
        return _json(_renew(host, refresh_token), 200)
    if request.method == "DELETE" and refresh_token:
        if not tokens.withdraw(host.state, refresh_token):
            raise ApiError(404, "Refresh token not found.", "not_found")
        return Response(status=204)
    raise ApiError(405, "Method Not Allowed.", "method_not_allowed")


def _renew(host: HostPart, refresh_token: str) -> dict[str, Any]:
    kept = host.state.refreshes.get(refresh_token)
    pair = tokens.renew(host.state, refresh_token)
    if kept is None or pair is None:
        raise ApiError(401, "Refresh token is expired or invalid.", "refresh_token_invalid")
    key = host.state.registry.keys.get(kept.person) if kept.subject == "api_key" else None
    return {**pair, "permissions": auth.permissions_of(key) if key else {}}


def _resource(host: HostPart, resources: dict[str, Resource], version: str, path: str) -> Response:
    caller = auth.authenticate(host.state, version, request.headers.get("Authorization", ""), request.remote_addr or "")
    parts = path.strip("/").split("/")
    key = ""
    if "/".join(parts) not in resources:
        key = parts.pop()
    resource = resources.get("/".join(parts))
    if resource is None:
        raise ApiError(404, "Page not found.", "not_found")
    if isinstance(resource, PaymentAccounts) and not key and request.method in ("GET", "PUT", "DELETE"):
        key = composite(request.args.to_dict())
    action = _action(request.method, key)
    if not caller.allows(resource.controller, action):
        raise ApiError(403, f"You have no permission: {resource.controller} {action}.", "forbidden")
    answer = _act(resource, caller, action, key)
    answer.headers.extend(caller.headers)
    return answer


def _action(method: str, key: str) -> str:
    """Return the permission action of a call; raise ApiError 405 for a verb that makes no sense here."""
    with_key = {"GET": "view", "PUT": "update", "DELETE": "delete"}
    without_key = {"GET": "index", "HEAD": "index", "OPTIONS": "index", "POST": "add"}
    action = (with_key if key else without_key).get(method)
    if action is None:
        raise ApiError(405, "Method Not Allowed.", "method_not_allowed")
    return action


def _act(resource: Resource, caller: Caller, action: str, key: str) -> Response:
    if request.method == "OPTIONS":
        return _json(resource.schema(), 200)
    if action == "index":
        return _list(resource, caller)
    if action == "view":
        return _json(resource.show(resource.get(caller, key)), 200)
    if action == "add":
        return _add(resource, caller)
    if action == "update":
        row = resource.get_or_create(caller, key) if isinstance(resource, PaymentAccounts) else resource.get(caller, key)
        resource.change(row, _body())
        return Response(status=202)
    resource.delete(resource.get(caller, key))
    return Response(status=204)


def _list(resource: Resource, caller: Caller) -> Response:
    asked = query.parse(request.args.items(multi=True))
    rows = resource.index(caller, asked)
    if request.method == "HEAD":
        answer = Response(status=204)
    else:
        answer = _json([resource.show(row) for row in query.page(rows, asked)], 200)
    answer.headers["X-total-count"] = str(len(rows))
    return answer


def _add(resource: Resource, caller: Caller) -> Response:
    """Create a row; for payments the faults of the control room may lose, double or falsify it."""
    body = _body()
    fault = faults.current(request.environ) if isinstance(resource, Payments) else None
    if fault is not None and fault.kind == "lose_posting":
        return _json({"id": max(resource.table.rows, default=0) + 1}, 201)
    if fault is not None and fault.kind == "wrong_amount":
        cents = fault.wrong(resource.read(body, new=True)["amount"])
        body = {**body, "amount": f"{cents // 100}.{cents % 100:02d}"}
    row = resource.add(caller, body)
    if fault is not None and fault.kind == "duplicate":
        resource.add(caller, body)
    return _json({"id": row["id"]}, 201)


def _body() -> dict[str, Any]:
    """Read the body as JSON or as a form; raise ApiError 400 for anything else."""
    if request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return dict(request.form.items())
    if not request.get_data(cache=True):
        return {}
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        raise ApiError(400, "The body is not valid JSON.", "bad_request")
    return body


def _json(value: Any, status: int) -> Response:
    return Response(json.dumps(value), status=status, mimetype="application/json")
