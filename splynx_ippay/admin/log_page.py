"""The add-on's log for staff who set it up: newest first, searchable, redacted once more before it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flask import render_template, request
from flask_babel import gettext as _

from splynx_ippay.admin import access, bp
from splynx_ippay.base import logs
from splynx_ippay.base.marks import N_

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

LEVELS = {"DEBUG": N_("Everything"), "WARNING": N_("Warnings and errors"), "ERROR": N_("Errors")}
SIGNS = {"ERROR": "bad", "CRITICAL": "bad", "WARNING": "wait"}


@bp.get("/log")
def log() -> ResponseReturnValue:
    """The newest 200 records that fit."""
    path, level = access.core().deployment.log_file, request.args.get("level", "")
    # What is searched for goes back into the page, so it is redacted, too.
    text = logs.redact(request.args.get("q", "").strip()[:80])
    problem, records = "", []
    if path:
        try:
            records = logs.read_back(Path(path), least=level if level in LEVELS else "DEBUG", text=text)
        except OSError as error:
            problem = _("The log %(file)s cannot be read (%(kind)s).", file=path, kind=type(error).__name__)
    else:
        problem = _("No log file is set, so the log goes to the services' standard error: journalctl -u 'splynx-ippay*'. To see "
                    "it here, set log_file in %(file)s.", file=access.core().deployment.ini_file)
    return render_template("admin/log.html", records=records, problem=problem, level=level, levels=LEVELS, text=text, signs=SIGNS,
                           path=path, tab="log")
