"""The host's query conventions: filters with operators, order, limit and offset, in PHP's bracket form.

``main_attributes[status]=x`` or ``main_attributes[total][0]=>=&main_attributes[total][1]=5``; filters are joined by AND.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from splynx_ippay_sandbox.host import fields as kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from splynx_ippay_sandbox.host.table import Row, Table

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
_NUMBERS = ("int", "optional_int", "money", "decimal")
MAX_LIMIT = 1000


class BadQuery(ValueError):
    """The query string cannot be understood."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on a field."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query: conditions, order and page."""

    filters: tuple[Filter, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    limit: int = MAX_LIMIT
    offset: int = 0


def parse(pairs: Iterable[tuple[str, str]]) -> Query:
    """Read the pairs of a query string; raise BadQuery with a sentence."""
    tree = _tree(pairs)
    main = tree.get("main_attributes", {})
    if not isinstance(main, dict):
        raise BadQuery("main_attributes must be an array.")
    filters = [_filter(name, value) for name, value in main.items()]
    extra = tree.get("additional_attributes", {})
    if isinstance(extra, dict):
        filters += [_filter(f"additional_attributes.{name}", value) for name, value in extra.items()]
    order = tree.get("order", {})
    if not isinstance(order, dict):
        raise BadQuery("order must be an array.")
    return Query(
        filters=tuple(filters),
        order=tuple((name, str(way).upper() == "DESC") for name, way in order.items()),
        limit=min(_whole(tree, "limit", MAX_LIMIT), MAX_LIMIT),
        offset=_whole(tree, "offset", 0),
    )


def matching(table: Table, query: Query) -> list[Row]:
    """Return the rows every filter accepts, ordered; raise BadQuery for a field or operator that does not exist."""
    indexed = [found for condition in query.filters if (found := _indexed(table, condition)) is not None]
    fewest: list[list[Row]] = sorted(indexed, key=len)
    rows: Iterable[Row] = fewest[0] if fewest else table
    tests = [_test(table, condition) for condition in query.filters]
    picked = [row for row in rows if all(test(row) for test in tests)]
    picked.sort(key=lambda row: row["id"])
    for field, descending in reversed(query.order):
        if field not in table.columns:
            raise BadQuery(f"Unknown attribute in order: {field}")
        picked.sort(key=_key_of(field), reverse=descending)
    return picked


def _key_of(field: str) -> Callable[[Row], tuple[bool, Any]]:
    """Sort by a field; rows without a value come first."""
    return lambda row: (row[field] is not None, 0 if row[field] is None else row[field])


def page(rows: list[Row], query: Query) -> list[Row]:
    """Return the rows of the asked page."""
    return rows[query.offset:query.offset + query.limit]


def _tree(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in pairs:
        match = _KEY.match(key)
        if match is None:
            raise BadQuery(f"Malformed parameter: {key[:50]}")
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step or str(len(node)), {})
            if not isinstance(node, dict):
                raise BadQuery(f"Malformed parameter: {key[:50]}")
        node[path[-1] or str(len(node))] = value
    return tree


def _whole(tree: dict[str, Any], name: str, default: int) -> int:
    value = tree.get(name, "")
    if value == "":
        return default
    if not re.fullmatch(r"\d{1,9}", str(value), re.ASCII):
        raise BadQuery(f"{name} must be a whole number.")
    return int(value)


def _filter(name: str, value: Any) -> Filter:
    if not isinstance(value, dict):
        return Filter(name, "=", (value,))
    parts = [value[key] for key in sorted(value, key=lambda key: int(key) if key.isdigit() else 0)]
    operator = str(parts[0]).upper()
    if operator not in _TESTS:
        raise BadQuery(f"Unknown operator: {operator[:20]}")
    flat: list[str] = []
    for part in parts[1:]:
        flat.extend(map(str, part.values()) if isinstance(part, dict) else [str(part)])
    if not flat and operator != "IN":
        raise BadQuery(f"A value is missing for {name}.")
    return Filter(name, operator, tuple(flat))


def _indexed(table: Table, condition: Filter) -> list[Row] | None:
    column = table.columns.get(condition.field)
    if column is None or condition.operator not in ("=", "IN"):
        return None
    try:
        return table.candidates(condition.field, [kinds.read(column, value) for value in condition.values])
    except ValueError:
        return None


def _test(table: Table, condition: Filter) -> Callable[[Row], bool]:
    name, _, extra = condition.field.partition(".")
    column = table.columns.get(name)
    if column is None or (column.kind in ("list", "object") and not extra):
        raise BadQuery(f"Unknown attribute: {condition.field[:60]}")
    compare = _TESTS[condition.operator]
    if extra:
        return lambda row: compare(str(row[name].get(extra, "")), list(condition.values))
    if column.kind in _NUMBERS:
        wanted = [_number(value, cents=column.kind in ("money", "decimal")) for value in condition.values]
        if condition.operator in ("LIKE", "REGEXP", "FIND_IN_SET"):
            return lambda row: compare(str(kinds.show(column, row[name])), list(condition.values))
        return lambda row: compare(row[name], wanted)
    return lambda row: compare(row[name], list(condition.values))


def _number(value: str, *, cents: bool) -> Decimal | None:
    """Read a number to compare with; what is no number equals nothing, but ``null`` is None."""
    if value.lower() in ("", "null"):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return Decimal("NaN")
    return number * 100 if cents else number


def _ordered(relation: Callable[[Any, Any], bool]) -> Callable[[Any, list[Any]], bool]:
    def compare(have: Any, wanted: list[Any]) -> bool:
        first = wanted[0]
        if have is None or first is None or (isinstance(first, Decimal) and first.is_nan()):
            return False
        return relation(have, first)
    return compare


def _like(have: str, wanted: list[str]) -> bool:
    pattern = wanted[0] if "%" in wanted[0] or "_" in wanted[0] else f"%{wanted[0]}%"
    regex = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(regex, have, re.IGNORECASE | re.DOTALL) is not None


def _regexp(have: str, wanted: list[str]) -> bool:
    try:
        return re.search(wanted[0], have, re.IGNORECASE) is not None
    except re.error:
        raise BadQuery("The REGEXP is not valid.") from None


def _is(have: Any, wanted: list[Any]) -> bool:
    return have is None or have == "" if wanted[0] in (None, "null", "NULL", "") else have == wanted[0]


_greater_or_equal = _ordered(lambda have, want: have >= want)
_less_or_equal = _ordered(lambda have, want: have <= want)
_TESTS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "=": lambda have, wanted: have == wanted[0],
    "!=": lambda have, wanted: have != wanted[0],
    "<>": lambda have, wanted: have != wanted[0],
    ">=": _greater_or_equal,
    "<=": _less_or_equal,
    ">": _ordered(lambda have, want: have > want),
    "<": _ordered(lambda have, want: have < want),
    "IS": _is,
    "REGEXP": _regexp,
    "LIKE": _like,
    "IN": lambda have, wanted: have in wanted,
    "FIND_IN_SET": lambda have, wanted: wanted[0] in have.split(","),
    "BETWEEN": lambda have, wanted: len(wanted) == 2 and _greater_or_equal(have, wanted) and _less_or_equal(have, wanted[1:]),
}
