"""The command ``splynx-ippay``: one sub-command a thing an installer or operator does. Composes the Core.

Must never print a secret; whatever is wrong with the set-up is one plain sentence and exit status 2.
"""

from __future__ import annotations

import argparse
import logging
import os
import pwd
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from splynx_ippay import __version__, oversight
from splynx_ippay.base import logs
from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.base.db import Database
from splynx_ippay.base.errors import AddOnError, BadInput, ConfigError, HostError, HostRejected, LinkError
from splynx_ippay.base.settings import BLOCKS, SETTINGS, Deployment, Settings
from splynx_ippay.payments.core import Core

if TYPE_CHECKING:
    from collections.abc import Sequence


_REFUSED, _MISCONFIGURED = 1, 2
_NOT_FOUND = 404
_NEED_THE_INI = frozenset({"serve", "worker", "check"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 done, 1 refused or something is wrong, 2 set-up or usage."""
    options = _parser().parse_args(arguments)
    try:
        deployment = Deployment.load()
        if options.command in _NEED_THE_INI and deployment.missing_ini:
            _complain(deployment.missing_ini, 0)
        logs.configure(deployment.log_level, deployment.log_file)
        # Its notes on every look at the tables are no news.
        logging.getLogger("alembic").setLevel(logging.WARNING)
        status = int(options.run(deployment, options))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has read enough; nothing more may be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ConfigError as error:
        return _complain(str(error), _MISCONFIGURED)
    except BadInput as error:
        return _complain(error.message % error.params if error.params else error.message, _REFUSED)
    except AddOnError as error:
        return _complain(str(error), _REFUSED)
    except DatabaseError as error:
        # Of the driver's words only its own message; the statement and its values are none of the terminal's business.
        return _complain(f"the database {_shown(deployment.database_url)} cannot be used ({_first_line(error)}). "
                         "Is it there, may this user write it, and did splynx-ippay migrate run?", _MISCONFIGURED)
    return status


def _complain(sentence: str, status: int) -> int:
    print(f"splynx-ippay: {logs.redact(sentence)}", file=sys.stderr)
    return status


def _first_line(error: DatabaseError) -> str:
    arguments = getattr(error.orig, "args", ()) or ("no answer",)
    return str(arguments[-1]).splitlines()[0][:200] if str(arguments[-1]) else type(error.orig).__name__


def _shown(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "named in database_url"


def _actor() -> str:
    try:
        return f"command line ({pwd.getpwuid(os.getuid()).pw_name})"
    except KeyError:
        return f"command line (user {os.getuid()})"


# -- commands ----------------------------------------------------------------------------------------------------------

def _register(deployment: Deployment, options: argparse.Namespace) -> int:
    from splynx_ippay.host.register import Registration

    registration = Registration(deployment)
    for step in registration.register(options.api_domain):
        print(step)
    print("registered; look with: splynx-ippay check" if registration.is_complete
          else "not everything could be registered; see above. The command may be repeated")
    return 0 if registration.is_complete else _REFUSED


def _unregister(deployment: Deployment, _options: argparse.Namespace) -> int:
    from splynx_ippay.host.register import Registration

    registration = Registration(deployment)
    for step in registration.unregister():
        print(step)
    return 0 if registration.is_complete else _REFUSED


def _check(deployment: Deployment, _options: argparse.Namespace) -> int:
    from splynx_ippay.host.checks import Verdict, run_checks
    from splynx_ippay.host.subject import Subject

    results = run_checks(Subject(deployment))
    for result in results:
        print(result)
    wrong = sum(result.verdict is Verdict.WRONG for result in results)
    print(f"{wrong} of {len(results)} checks {'is' if wrong == 1 else 'are'} wrong" if wrong else "all is well")
    return _REFUSED if wrong else 0


def _migrate(deployment: Deployment, _options: argparse.Namespace) -> int:
    url = make_url(deployment.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        try:
            Path(url.database).parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"the folder of the database cannot be made ({type(error).__name__})") from None
    database = Database(deployment.database_url)
    database.upgrade()
    database.check()
    print("the tables are those of this version")
    return 0


def _make_key(deployment: Deployment, _options: argparse.Namespace) -> int:
    existed = deployment.key_file.exists()
    try:
        KeyBox.create(deployment.key_file)
    except OSError as error:
        raise ConfigError(f"the key file {deployment.key_file} cannot be written ({type(error).__name__})") from None
    KeyBox.load(deployment.key_file)
    print(f"{deployment.key_file} is there already and stays" if existed else
          f"{deployment.key_file} written; keep a copy of it apart from the database: without it no saved card can be charged")
    return 0


def _serve(deployment: Deployment, _options: argparse.Namespace) -> int:
    from splynx_ippay.wsgi import serve

    serve(deployment)
    return 0


def _worker(deployment: Deployment, _options: argparse.Namespace) -> int:
    from splynx_ippay.scheduler import Worker

    worker = Worker(Core.open(deployment))
    worker.stop_on_signals()
    worker.run()
    return 0


def _link(deployment: Deployment, options: argparse.Namespace) -> int:
    from splynx_ippay import links
    from splynx_ippay.links import fields

    core = Core.open(deployment)
    days = core.settings.integer("link_days") if options.days is None else options.days
    if days < 0:
        raise BadInput("days", "--days must be 0 (for ever) or more")
    _require_document(core, options.document, options.id)
    token = core.database.run(lambda session: links.create(
        session, core.box, document=options.document, document_id=options.id, created_by=_actor(),
        valid_for=timedelta(days=days) if days else None))
    print(links.address_of(core.settings, token))
    try:
        fields.rewrite(core, options.document, options.id, links.address_of(core.settings, token))
    except HostError as error:
        return _complain(f"the link works, but could not be written into the {options.document} in Splynx: {error}", _REFUSED)
    return 0


def _require_document(core: Core, document: str, document_id: int) -> None:
    """A link to nothing is a mistake somebody wants to hear of now. Raises BadInput, HostError, ConfigError."""
    read = core.host.get_invoice if document == "invoice" else core.host.get_proforma
    try:
        found = read(document_id, "USD")
    except HostRejected as error:
        if error.status != _NOT_FOUND:
            raise
        raise BadInput("id", f"Splynx has no {document} with the id {document_id} (the ID, not the number)") from None
    if found.deleted:
        raise BadInput("id", f"the {document} with the id {document_id} is deleted in Splynx")


def _revoke(deployment: Deployment, options: argparse.Namespace) -> int:
    from splynx_ippay import links
    from splynx_ippay.links import fields

    core = Core.open(deployment)
    token = options.token.rsplit("/", 1)[-1]
    try:
        link = core.database.run(lambda session: links.revoke(session, core.box, token, by=_actor()))
    except LinkError as error:
        return _complain({"invalid": "there is no such link", "expired": "the link has expired; it opens nothing any more",
                          "replaced": "the link was replaced by a newer one; it opens nothing any more",
                          "revoked": "the link is revoked already"}.get(error.reason, str(error)), _REFUSED)
    print("revoked: the link opens nothing any more")
    try:
        fields.rewrite(core, link.document, link.document_id, "")
    except HostError as error:
        return _complain(f"it still stands in the {link.document} in Splynx, which could not be changed: {error}", _REFUSED)
    return 0


def _settings(deployment: Deployment, _options: argparse.Namespace) -> int:
    settings = Settings.of(deployment)
    for block, title in BLOCKS.items():
        print(f"[{title}]")
        for setting in (setting for setting in SETTINGS if setting.block == block):
            value = settings.text(setting.key)
            shown = ("***" if value else "(not set)") if setting.secret else value or "(not set)"
            place = f"   (from {deployment.ini_file})" if settings.is_overridden(setting.key) else ""
            print(f"  {setting.key} = {shown}{place}   # {setting.title}")
    return 0


def _release(deployment: Deployment, options: argparse.Namespace) -> int:
    from splynx_ippay.payments import breaker

    core = Core.open(deployment)
    terminal = core.settings.terminals().get(options.terminal)
    if terminal is None:
        raise ConfigError(f"no partner has the Terminal ID {options.terminal!r} in the add-on's settings in Splynx")
    breaker.release(core, terminal, by=_actor())
    print(f"IPpay answered the PING; terminal {options.terminal} may charge again")
    return 0


# -- the command line --------------------------------------------------------------------------------------------------

def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="splynx-ippay", description="Cards and US bank debits for Splynx through IPpay.")
    parser.add_argument("--version", action="version", version=f"splynx-ippay {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="command")
    simple = {
        "unregister": (_unregister, "take back what register added; settings and payments stay"),
        "check": (_check, "say what is wrong and how to mend it; status 1 if anything is"),
        "migrate": (_migrate, "bring the database to this version"),
        "make-key": (_make_key, "write the key file, if there is none"),
        "serve": (_serve, "serve the pages (gunicorn, one process)"),
        "worker": (_worker, "run the background jobs until SIGTERM"),
        "settings": (_settings, "list the settings as they are now, secrets starred"),
    }
    register = commands.add_parser("register", help="tell Splynx about the add-on; may be repeated")
    register.add_argument("--api-domain", default="", metavar="URL", help="address of Splynx with the last slash")
    register.set_defaults(run=_register)
    for name, (run, words) in simple.items():
        commands.add_parser(name, help=words, description=words).set_defaults(run=run)
    _add_link(commands)
    release = commands.add_parser("release", help="start charging again on a terminal that was stopped, after a PING")
    release.add_argument("terminal", help="Terminal ID")
    release.set_defaults(run=_release)
    oversight.add_commands(commands, _actor)
    return parser


def _add_link(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    link = commands.add_parser("link", help="make or revoke a signed payment link").add_subparsers(metavar="WHAT", required=True)
    for document in ("invoice", "proforma"):
        make = link.add_parser(document, help=f"make a link that pays one {document}")
        make.add_argument("id", type=int, help=f"the {document}'s id in Splynx (not its number)")
        make.add_argument("--days", type=int, default=None, help="valid for so many days; 0 for ever; default: the setting")
        make.set_defaults(run=_link, document=document)
    revoke = link.add_parser("revoke", help="make a link open nothing")
    revoke.add_argument("token", help="the link, or the part after /l/")
    revoke.set_defaults(run=_revoke)


if __name__ == "__main__":
    sys.exit(main())
