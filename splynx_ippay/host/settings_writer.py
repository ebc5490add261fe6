"""Writes a business setting to its one home, the host's file, through the host's own program.

Must never write the file itself: the host owns it. Must never say a value, secret or not, in an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splynx_ippay.base.errors import BadInput
from splynx_ippay.base.settings import MODULE
from splynx_ippay.host.host_cli import COMMANDS, CommandFailed, HostCli

if TYPE_CHECKING:
    from splynx_ippay.base.settings import Deployment, Settings

LONGEST = 500


def can_write(deployment: Deployment) -> bool:
    """Whether the host's program is here."""
    return HostCli(deployment.addon_cli).is_there()


def check_text(key: str, value: str) -> None:
    """Raise BadInput for what the host's INI file would not give back as it was written."""
    if len(value) > LONGEST:
        raise BadInput(key, "This is too long; %(most)s characters at most.", most=LONGEST)
    if set(value) & set('"\\') or not all(character.isprintable() for character in value) or value != value.strip():
        raise BadInput(key, "Quotation marks, backslashes and line breaks cannot be kept here.")


def write(deployment: Deployment, settings: Settings, key: str, value: str, partner_id: int | None = None) -> None:
    """Write one setting, for all (None) or for one partner, and look whether it is there. Raises CommandFailed, BadInput."""
    check_text(key, value)
    cli, shared = HostCli(deployment.addon_cli), settings.own_text(key, None)
    for_one = {"partner": str(partner_id)} if partner_id else {}
    cli.run("config-set", addon=MODULE, key=key, value=value, **for_one)
    if (settings.own_text(key, partner_id) or "") == value:
        return
    # ``partner`` is assumed (docs/WIRE.md): a program that does not know it has written the value of all partners.
    if partner_id and settings.own_text(key, None) != shared:
        cli.run("config-set", addon=MODULE, key=key, value=shared or "")
    raise CommandFailed(f"Splynx's program did not keep the setting {key}. By hand: "
                        + COMMANDS["config-set"].by_hand.format(addon=MODULE, key=key))
