"""How the check of the key file looks: whether its keys open what the database holds. Changes nothing, tells no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from splynx_ippay.base.errors import ConfigError
from splynx_ippay.credentials.methods import Method
from splynx_ippay.payments.models import Attempt

if TYPE_CHECKING:
    from splynx_ippay.host.subject import Subject


def key_file(subject: Subject) -> dict[str, str] | None:
    """The key file can be read, not by everybody, and opens what this database holds."""
    for cipher in _ciphers(subject):
        try:
            subject.box.decrypt(cipher)
        except ConfigError:
            return {"detail": "this is not the key of this database: bring back the key file"}
    return None


def _ciphers(subject: Subject) -> list[str]:
    """The newest token that is kept of a saved method, and that of a payment; none where the database cannot be read."""
    subject.box  # noqa: B018 - opening the file comes first, whatever the database holds
    method = select(Method.token_cipher).where(Method.token_cipher != "").order_by(Method.id.desc()).limit(1)
    attempt = select(Attempt.token_cipher).where(Attempt.token_cipher.is_not(None)).order_by(Attempt.id.desc()).limit(1)
    try:
        with subject.database.read() as session:
            return [cipher for wanted in (method, attempt) if (cipher := session.scalar(wanted))]
    except (ConfigError, DatabaseError):
        return []  # the checks of the database say why
