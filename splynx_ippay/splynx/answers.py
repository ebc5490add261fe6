"""Reading what the host answered: the success code of each verb, its errors in three shapes, and JSON of a known type.

Must never guess: what is neither a clear yes nor a clear no is HostUnavailable.
"""

from __future__ import annotations

import http
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from splynx_ippay.base.errors import HostRejected, HostUnavailable

if TYPE_CHECKING:
    from splynx_ippay.splynx.wire import Answer

Record = dict[str, Any]

# The official PHP client (SplynxApi.php, read 2023-10) takes any other 2xx for a failure, and so do we.
SUCCESS = {"GET": 200, "POST": 201, "PUT": 202, "DELETE": 204}

_MAX_PROBLEMS = 20
_MAX_TEXT = 200
# A card or account number that the host repeats; invoice numbers have up to 12 digits and may be read.
_LONG_DIGITS = re.compile(r"[0-9]{13,}")


def require_success(answer: Answer, method: str) -> None:
    """Return only where the host clearly did what was asked.

    Raises HostRejected for a clear no (4xx), HostUnavailable for everything that leaves a doubt.
    """
    status = answer.status
    if status == SUCCESS[method]:
        return
    if status == http.HTTPStatus.TOO_MANY_REQUESTS:
        raise HostUnavailable("Splynx answered 429: too many requests; it has to be asked later.", sent=False)
    if status == http.HTTPStatus.REQUEST_TIMEOUT or not 400 <= status < 500:  # noqa: PLR2004 -- the class of HTTP
        raise HostUnavailable(f"Splynx answered {status} where {SUCCESS[method]} was due.")
    if _is_page(answer):
        raise HostUnavailable(f"A web page came with status {status} where an answer of the Splynx API was due.")
    raise HostRejected(status, problems_of(answer))


def read_record(answer: Answer) -> Record:
    """Return the one object in the answer. Raises HostUnavailable when it is anything else."""
    value = _read_json(answer)
    if not isinstance(value, dict):
        raise HostUnavailable("Splynx sent something else where one record was due.")
    return value


def read_rows(answer: Answer) -> list[Record]:
    """Return the list of objects in the answer. Raises HostUnavailable when it is anything else."""
    value = _read_json(answer)
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise HostUnavailable("Splynx sent something else where a list of records was due.")
    return value


def problems_of(answer: Answer) -> list[tuple[str, str]]:
    """Collect what the host says is wrong, as (field, text), from all shapes known.

    ``[{"field", "message"}]``, ``{"error": {"message"}}``, ``{"message"}``, or plain text; never empty.
    """
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        value = answer.body.decode("utf-8", "replace")
    found = [(field, text) for field, text in _problems(value) if text]
    return found[:_MAX_PROBLEMS] or [("", _phrase(answer.status))]


def _problems(value: object) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [problem for item in value for problem in _problems(item)]
    if isinstance(value, dict):
        inner = value.get("error")
        if isinstance(inner, (dict, list)) or (inner and "message" not in value):
            return _problems(inner)
        return [(_clean(value.get("field") or ""), _clean(value.get("message") or ""))]
    return [("", _clean(value or ""))]


def _clean(value: object) -> str:
    return _LONG_DIGITS.sub("[number]", " ".join(str(value).split()))[:_MAX_TEXT]


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"


def _is_page(answer: Answer) -> bool:
    return "html" in answer.headers.get("content-type", "").lower() or answer.body.lstrip()[:1] == b"<"


def _read_json(answer: Answer) -> object:
    if _is_page(answer):
        raise HostUnavailable("A web page came where an answer of the Splynx API was due.")
    try:
        return json.loads(answer.body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise HostUnavailable("Splynx sent something that is not JSON.") from None


def _no_constant(name: str) -> object:
    raise ValueError(name)
