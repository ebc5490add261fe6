"""How payment links get into Splynx's documents: the additional fields to register, and the webhook to set up.

Owns the rows ``register`` sends and the words for staff. The webhook has no command of the host's program, so a person
sets it up once; its secret is shown to whoever may run ``register`` or open the links page of the admin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from splynx_ippay.base.crypto import KeyBox
from splynx_ippay.base.errors import ConfigError
from splynx_ippay.links import fields, webhook

if TYPE_CHECKING:
    from splynx_ippay.base.settings import Deployment

# One row a kind of document, as options of add-or-get-additional-field.
ADDITIONAL_FIELDS: tuple[dict[str, str], ...] = tuple(
    {"main_module": module, "name": fields.FIELD, "title": fields.FIELD_TITLE, "type": "string", "required": "0", "is_add": "0"}
    for module in fields.MAIN_MODULES.values())


def webhook_address(api_domain: str) -> str:
    """Where Splynx sends its events."""
    return f"{api_domain.strip().rstrip('/') or 'https://your-splynx'}{webhook.PATH}"


def webhook_by_hand(deployment: Deployment, api_domain: str) -> str:
    """The steps for the one thing Splynx lets only a person do, with the secret."""
    try:
        secret = webhook.secret_of(KeyBox.load(deployment.key_file))
    except ConfigError as error:
        return f"once, for links in documents: {error}; then run register again, it shows how to set up the webhook"
    return ("once, for links in documents: Config → Integrations → Hooks → Create hook: type Webhook, enabled, URL "
            f"{webhook_address(api_domain)}, secret {secret}, events {', '.join(webhook.EVENTS)}")
