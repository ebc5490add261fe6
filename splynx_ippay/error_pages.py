"""The pages of what goes wrong, in plain words. Owns status, title and sentences; never shows an error's own text.

Part of the composition root, beside ``app``.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from typing import TYPE_CHECKING

from flask import current_app, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from splynx_ippay.base.errors import AddOnError, ConfigError, HostError
from splynx_ippay.checkout import stale, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.typing import ResponseReturnValue

_log = logging.getLogger(__name__)

# Sentences by status; made when shown, for the language is known only then.
_PAGES: dict[int, Callable[[], tuple[str, list[str]]]] = {
    400: lambda: (_("This form could not be read"), [_("Nothing was charged. Please open the page again.")]),
    403: lambda: (_("You may not open this page"), [_("Your login does not allow it. Nothing was changed.")]),
    404: lambda: (_("There is nothing here"), [_("The address may be cut short or out of date. Nothing was charged.")]),
    405: lambda: (_("This page cannot be used in this way"), [_("Nothing was charged. Please open the page again.")]),
    413: lambda: (_("That was too much to send"), [_("The form was larger than we accept. Nothing was charged.")]),
    429: lambda: (_("Please wait a little"), [
        _("This was opened too often in a short time, perhaps by other people in your network. Nothing was charged."),
        _("Please try again in an hour, or pay in the customer portal.")]),
}


def init_app(app: Flask) -> None:
    """Say what went wrong, on every door."""
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(ConfigError, _not_set_up)
    app.register_error_handler(HostError, _host_away)
    app.register_error_handler(SQLAlchemyError, _database_away)
    app.register_error_handler(AddOnError, _unexpected)
    app.register_error_handler(Exception, _unexpected)


def page(status: int, title: str, sentences: list[str], *, again: str = "", reference: str = "") -> ResponseReturnValue:
    """One error page, in the look of the door it happened at."""
    door = request.blueprint if request.blueprint in {"portal", "pay", "admin"} else "pay"
    return render_template("errors/error.html", title=title, sentences=sentences, again=again, reference=reference,
                           door=door), status


def _stale_form(_error: CSRFError) -> ResponseReturnValue:
    """A form without, or with an old, CSRF token: nothing was done; what is harmless of it waits for the fresh page."""
    stale.keep_typed()
    return page(400, words.say(words.STALE_TITLE), [words.say(words.STALE)], again=_page_of_form())


def _page_of_form() -> str:
    """The page the form stands on: its own address where that can be opened, else the start of its door."""
    adapter = current_app.create_url_adapter(request)
    try:
        if adapter is not None:
            adapter.match(request.path, method="GET")
            return request.full_path.rstrip("?")
    except HTTPException:  # not found, or for forms only
        pass
    return "/ippay/admin/" if request.blueprint == "admin" else "/ippay/credentials"


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:  # noqa: PLR2004 - redirects of the router
        return error
    if error.code not in _PAGES:
        return _unexpected(error)
    title, sentences = _PAGES[error.code]()
    return page(error.code, title, sentences)


def _not_set_up(error: ConfigError) -> ResponseReturnValue:
    _log.error("%s %s: %s", request.method, request.path, error)
    if request.blueprint == "admin":  # staff can mend it, and the text says how
        return page(503, _("The add-on is not set up yet"), [str(error)])
    return page(503, _("Payments are not ready here yet"), [
        _("Something is missing in the set-up on our side. Nothing was charged, and there is nothing you need to do."),
        _("Please try again later, or contact us.")])


def _host_away(error: HostError) -> ResponseReturnValue:
    _log.warning("%s %s: %s", request.method, request.path, error)
    return page(503, _("The billing system does not answer"), [words.say(words.HOST_AWAY)], again=_here())


def _database_away(error: SQLAlchemyError) -> ResponseReturnValue:
    _log.error("%s %s: the database failed: %s", request.method, request.path, type(error).__name__)
    return page(503, _("We cannot look at your payments at the moment"), _unsure(), again=_here())


def _unexpected(error: Exception) -> ResponseReturnValue:
    reference = secrets.token_hex(4)
    # Where it happened, without the error's own text: that may hold anything that was typed.
    _log.error("%s %s: unexpected %s, reference %s\n%s", request.method, request.path, type(error).__name__, reference,
               "".join(traceback.format_tb(error.__traceback__)))
    return page(500, _("Something went wrong on our side"), _unsure(), again=_here(), reference=reference)


def _unsure() -> list[str]:
    """True whether or not a payment was under way: its own page, or the document's, tells."""
    if request.method == "POST":
        return [_("If you were paying just now, please open the page again before you do anything else: it shows whether "
                  "the payment went through. Nothing is ever taken twice.")]
    return [_("Nothing was charged. Please try again in a few minutes.")]


def _here() -> str:
    return request.full_path.rstrip("?") if request.method == "GET" else _page_of_form()
