"""Tells the host about us, and takes it back: API key with permissions, module, entry points, payment account, settings.

Every step asks the host first or uses an "add-or-get" command, so that running it again changes nothing: what staff
changed in the host since (a title, a switch, a setting) stays. Must never print the API secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from splynx_ippay.base.errors import ConfigError, HostError
from splynx_ippay.base.settings import MODULE, MODULE_TITLE, Settings
from splynx_ippay.host import permissions, settings_form
from splynx_ippay.host.document_links import ADDITIONAL_FIELDS, webhook_by_hand
from splynx_ippay.host.entry_points import ENTRY_POINTS
from splynx_ippay.host.host_cli import COMMANDS, CommandFailed, HostCli
from splynx_ippay.splynx.client import SplynxClient
from splynx_ippay.splynx.resources import Host

if TYPE_CHECKING:
    from splynx_ippay.base.settings import Deployment
    from splynx_ippay.host.entry_points import EntryPoint

PAYMENT_ACCOUNT = "Ippay"
# The order of public add-ons for this gateway (card in 1 to 5, bank account in 6 to 9); we write no token, no number.
ACCOUNT_FIELDS = ("Card", "Cardholder name", "Card last four", "Card expiry", "ZIP code", "Bank account", "Routing number",
                  "Bank account name", "Bank account type", "Default")
# The host's own methods, chosen where staff have not chosen yet (the screens of the settings form show these two).
METHODS = {"credit_card_payment_method": "Credit card", "bank_account_payment_method": "Bank transfer"}


class Outcome(StrEnum):
    """How a step ended."""

    DONE = "done"
    BY_HAND = "by hand"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, or that a person has to do."""

    outcome: Outcome
    text: str

    def __str__(self) -> str:
        """As the command prints it."""
        return {Outcome.DONE: "  ok       ", Outcome.BY_HAND: "  BY HAND  ", Outcome.FAILED: "  FAILED   "}[self.outcome] + self.text


class Registration:
    """One run of ``register`` or ``unregister``; collects what happened in ``steps``."""

    def __init__(self, deployment: Deployment, settings: Settings | None = None) -> None:
        """``settings`` are read anew after every write of the host's program."""
        self.steps: list[Step] = []
        self._deployment = deployment
        self._settings = settings or Settings.of(deployment)
        self._cli = HostCli(deployment.addon_cli)

    @property
    def is_complete(self) -> bool:
        """Whether the host did everything; a missing API domain alone is for staff and does not count."""
        return not any(step.outcome == Outcome.FAILED for step in self.steps)

    def register(self, api_domain: str = "") -> list[Step]:
        """Register whatever is missing. Raises ConfigError for an API domain that is no address."""
        if api_domain and not (api_domain.startswith(("http://", "https://")) and api_domain.endswith("/")):
            raise ConfigError("--api-domain must look like https://splynx.example.com/ with the last slash")
        self._write_form()
        if not self._cli.is_there():
            self._explain_by_hand()
            return self.steps
        self._do("add-or-get-module", f"module {MODULE} “{MODULE_TITLE}”", name=MODULE, title=MODULE_TITLE,
                 path=str(self._deployment.addon_dir), type="add-on", status="enabled")
        self._settle_domain(api_domain)
        self._settle_key()
        for point in ENTRY_POINTS:
            self._do("add-or-get-entry-point", f"entry point {point.name} “{point.title}” ({point.place})", **_options(point))
        for row in ADDITIONAL_FIELDS:
            self._do("add-or-get-additional-field", f"additional field {row['name']} of {row['main_module']}", **row)
        self._settle_payment_account()
        host = self._host()
        if host is not None:
            self._settle_methods(host)
            self._prove_filter(host)
        self._note(Outcome.BY_HAND, webhook_by_hand(self._deployment, self._settings.text("api_domain")))
        return self.steps

    def unregister(self) -> list[Step]:
        """Take back what ``register`` added. Settings, payment account, payment methods and payments stay."""
        if not self._cli.is_there():
            self._note(Outcome.FAILED, f"Splynx's program {self._deployment.addon_cli} is not here. By hand:")
            for command, words in (("delete-module", {"name": MODULE}), ("delete-api-key", {"title": MODULE_TITLE})):
                self._note(Outcome.BY_HAND, COMMANDS[command].by_hand.format(**words))
            return self.steps
        for point in ENTRY_POINTS:
            self._take_away("delete-entry-point", f"entry point {point.name}", module=MODULE, name=point.name)
        self._take_away("delete-module", f"module {MODULE}", name=MODULE)
        try:
            # There is no command to look a key up without making it; made and deleted leaves nothing.
            key_id = self._cli.number("add-or-get-api-key", title=MODULE_TITLE)
            self._take_away("delete-api-key", f"API key “{MODULE_TITLE}”", id=str(key_id))
        except CommandFailed as error:
            self._note(Outcome.BY_HAND, f"{error}. " + COMMANDS["delete-api-key"].by_hand.format(title=MODULE_TITLE))
        self._note(Outcome.DONE, f"kept: the settings, the payment account “{PAYMENT_ACCOUNT}”, the additional fields and all payments")
        return self.steps

    # -- the parts of register -------------------------------------------------------------------------------------

    def _write_form(self) -> None:
        try:
            changed = settings_form.write(self._deployment.addon_dir)
        except OSError as error:
            self._note(Outcome.FAILED, f"the settings form could not be written to {self._deployment.addon_dir}/config "
                       f"({type(error).__name__}); run this as a user who may")
            return
        self._note(Outcome.DONE, "settings form " + ("written" if changed else "is up to date"))

    def _settle_domain(self, api_domain: str) -> None:
        present = self._settings.text("api_domain").strip()
        if api_domain and present != api_domain:
            self._set("api_domain", api_domain)
        elif present:
            self._note(Outcome.DONE, f"API domain is {present}")
        else:
            self._note(Outcome.BY_HAND, "the API domain is not known. Run: splynx-ippay register "
                       "--api-domain https://your-splynx/  (or enter it in the add-on's settings in Splynx)")

    def _settle_key(self) -> None:
        try:
            key_id = self._cli.number("add-or-get-api-key", title=MODULE_TITLE)
            key, _, secret = self._cli.run("get-api-key-and-secret", id=str(key_id)).partition(",")
        except CommandFailed as error:
            self._note(Outcome.FAILED, f"{error}. By hand: " + COMMANDS["add-or-get-api-key"].by_hand.format(title=MODULE_TITLE))
            return
        if not key.strip() or not secret.strip():
            self._note(Outcome.FAILED, "Splynx's program answered get-api-key-and-secret without a key and a secret")
            return
        present = self._settings.text("api_key").strip()
        if present in {"", key.strip()}:
            if not present:
                self._set("api_key", key.strip())
            if self._settings.text("api_secret").strip() != secret.strip():
                self._set("api_secret", secret.strip())
            self._note(Outcome.DONE, f"API key “{MODULE_TITLE}”")
        else:
            self._note(Outcome.DONE, f"API key “{MODULE_TITLE}” is there; the settings name another key, which stays in use")
        self._allow(key_id, key.strip(), secret.strip())

    def _allow(self, key_id: int, key: str, secret: str) -> None:
        wanted = self._not_allowed_yet(key, secret)
        for controller, action in wanted:
            try:
                self._cli.run("set-api-key-permission", id=str(key_id), controller=permissions.PREFIX + controller,
                              action=action, rule="allow")
            except CommandFailed as error:
                self._note(Outcome.FAILED, f"{error}. By hand: " + COMMANDS["set-api-key-permission"].by_hand.format(
                    controller=controller, action=action))
                return
        self._note(Outcome.DONE, f"{len(permissions.pairs())} permissions of the API key, {len(wanted)} of them new")

    def _not_allowed_yet(self, key: str, secret: str) -> list[tuple[str, str]]:
        """What the host says the key may not do; everything where it cannot be asked."""
        address = self._settings.text("api_domain").strip()
        if not address:
            return permissions.pairs()
        try:
            granted = SplynxClient(address, key, secret, ca_file=self._deployment.ca_file or None).permissions()
        except (HostError, ConfigError):
            return permissions.pairs()
        absent = set(permissions.missing(granted))
        return [pair for pair in permissions.pairs() if " ".join(pair) in absent]

    def _settle_payment_account(self) -> None:
        try:
            account_id = self._cli.number("add-or-get-payment-account", title=PAYMENT_ACCOUNT, fields=",".join(ACCOUNT_FIELDS))
        except CommandFailed as error:
            self._note(Outcome.FAILED, f"{error}. By hand: " + COMMANDS["add-or-get-payment-account"].by_hand.format(
                title=PAYMENT_ACCOUNT, fields=", ".join(ACCOUNT_FIELDS)))
            return
        self._note(Outcome.DONE, f"payment account “{PAYMENT_ACCOUNT}”")
        if self._settings.text("payment_account").strip() in {"", "0"}:
            self._set("payment_account", str(account_id))

    def _settle_methods(self, host: Host) -> None:
        """Choose the host's own payment methods where staff have not chosen."""
        open_keys = [key for key in METHODS if self._settings.text(key).strip() in {"", "0"}]
        if not open_keys:
            return
        try:
            known = {method.name.casefold(): method.id for method in host.payment_methods()}
            for key in open_keys:
                found = known.get(METHODS[key].casefold()) or self._cli.number("add-or-get-payment-method", name=METHODS[key])
                self._set(key, str(found))
        except (HostError, CommandFailed) as error:
            self._note(Outcome.BY_HAND, f"{error}. Choose the two payment methods in the add-on's settings in Splynx")

    def _prove_filter(self, host: Host) -> None:
        """Booking finds its own payments by ``field_1``; a host that ignores the filter would get payments twice."""
        try:
            proven = host.prove_field_filter()
        except HostError as error:
            self._note(Outcome.FAILED, f"it could not be proven that Splynx finds payments by field_1: {error}")
            return
        if proven is False:
            self._note(Outcome.FAILED, "Splynx ignores the filter by field_1: payments would be booked twice, so nothing "
                       "may be charged. Update Splynx, or ask its support about main_attributes[field_1]")
        elif proven is None:
            self._note(Outcome.DONE, "Splynx has no payment yet to prove the search by field_1 with; splynx-ippay check proves it later")
        else:
            self._note(Outcome.DONE, "proven: Splynx finds payments by field_1")

    # -- within ----------------------------------------------------------------------------------------------------

    def _host(self) -> Host | None:
        """Splynx with the settings as they are now; None while they are not complete."""
        address, key, secret = (self._settings.text(name).strip() for name in ("api_domain", "api_key", "api_secret"))
        if not (address and key and secret):
            return None
        try:
            return Host(SplynxClient(address, key, secret, ca_file=self._deployment.ca_file or None))
        except ConfigError as error:
            self._note(Outcome.FAILED, str(error))
            return None

    def _set(self, key: str, value: str) -> None:
        if self._settings.is_overridden(key):
            self._note(Outcome.DONE, f"{key} is set in {self._deployment.ini_file} and stays as it is there")
            return
        try:
            self._cli.run("config-set", addon=MODULE, key=key, value=value)
        except CommandFailed as error:
            self._note(Outcome.FAILED, f"{error}. By hand: " + COMMANDS["config-set"].by_hand.format(addon=MODULE, key=key))
            return
        self._note(Outcome.DONE, f"setting {key} stored")

    def _do(self, command: str, what: str, **options: str) -> None:
        try:
            self._cli.run(command, **options)
        except CommandFailed as error:
            self._note(Outcome.FAILED, f"{error}. By hand: " + COMMANDS[command].by_hand.format(**options))
            return
        self._note(Outcome.DONE, what)

    def _take_away(self, command: str, what: str, **options: str) -> None:
        try:
            self._cli.run(command, **options)
        except CommandFailed:
            # The host does not tell "not there" from "may not"; the person sees which and can look.
            self._note(Outcome.DONE, f"was not there (or Splynx kept it): {what}")
            return
        self._note(Outcome.DONE, f"removed: {what}")

    def _explain_by_hand(self) -> None:
        """The whole registration as steps for a person, where the host's program is absent."""
        self._note(Outcome.FAILED, f"Splynx's program {self._deployment.addon_cli} is not here, so nothing was registered. By hand:")
        words = {"name": MODULE, "title": MODULE_TITLE, "path": str(self._deployment.addon_dir)}
        self._by_hand("add-or-get-module", words)
        self._by_hand("add-or-get-api-key", words)
        for permission in permissions.PERMISSIONS:
            self._by_hand("set-api-key-permission", {"controller": permission.controller, "action": ", ".join(permission.actions)})
        for point in ENTRY_POINTS:
            self._by_hand("add-or-get-entry-point", _options(point))
            if point.template:
                self._note(Outcome.BY_HAND, f"Paste into its field Code:\n{point.code}")
        for row in ADDITIONAL_FIELDS:
            self._by_hand("add-or-get-additional-field", row)
        self._note(Outcome.BY_HAND, webhook_by_hand(self._deployment, self._settings.text("api_domain")))
        self._by_hand("add-or-get-payment-account", {"title": PAYMENT_ACCOUNT, "fields": ", ".join(ACCOUNT_FIELDS)})
        for key in ("api_domain", "api_key", "api_secret", "payment_account", *METHODS):
            self._by_hand("config-set", {"addon": MODULE, "key": key})

    def _by_hand(self, command: str, words: dict[str, str]) -> None:
        # A field that stays empty is said to be empty, not left out of the sentence.
        self._note(Outcome.BY_HAND, COMMANDS[command].by_hand.format(**{name: word or "(empty)" for name, word in words.items()}))

    def _note(self, outcome: Outcome, text: str) -> None:
        self.steps.append(Step(outcome, text))


def _options(point: EntryPoint) -> dict[str, str]:
    return {"module": MODULE, "name": point.name, "title": point.title, "place": point.place, "type": point.type,
            "root": point.root, "model": point.model, "url": point.url, "icon": point.icon, "size": point.size,
            "code": point.code, "enabled": "1"}
