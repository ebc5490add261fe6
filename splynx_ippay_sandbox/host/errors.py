"""Answers of the API that are not a success, as exceptions of this package."""

from __future__ import annotations


class ApiError(Exception):
    """An error with a status and the host's error body."""

    def __init__(self, status: int, message: str, internal_code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.internal_code = internal_code

    def body(self) -> dict[str, object]:
        """Return the JSON body."""
        return {"error": {"code": self.status, "internal_code": self.internal_code, "message": self.message}}


class Invalid(Exception):
    """Validation failed: one or more problems, each of a field."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field} {message}" for field, message in problems))
        self.problems = problems

    def body(self) -> list[dict[str, str]]:
        """Return the JSON body: an array of field and message."""
        return [{"field": field, "message": message} for field, message in self.problems]


def invalid(field: str, message: str) -> Invalid:
    """Return the error of one field."""
    return Invalid([(field, message)])
