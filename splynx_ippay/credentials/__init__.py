"""Saved cards and bank accounts: forms that are typed, methods that are kept, and what the host is shown of them."""

from splynx_ippay.credentials.forms import BankForm, CardForm, brand_of
from splynx_ippay.credentials.methods import (
    Method,
    all_methods_of,
    authorizations_of,
    cards_without_postal_code,
    disable,
    get_own_method,
    make_default,
    methods_of,
    next_default,
    remove,
    revoke,
    save,
    set_backup,
    set_postal_code,
)
from splynx_ippay.credentials.mirror import AccountMirror
from splynx_ippay.credentials.updates import MethodUpdate, News, apply, mark_of, updates_of

__all__ = [
    "AccountMirror", "BankForm", "CardForm", "Method", "MethodUpdate", "News", "all_methods_of", "apply", "authorizations_of",
    "brand_of", "cards_without_postal_code", "disable", "get_own_method", "make_default", "mark_of", "methods_of",
    "next_default", "remove", "revoke", "save", "set_backup", "set_postal_code", "updates_of",
]
