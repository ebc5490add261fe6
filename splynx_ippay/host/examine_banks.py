"""How the check of the directory of banks looks. Must change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splynx_ippay.credentials.banks import RoutingDirectory

if TYPE_CHECKING:
    from splynx_ippay.host.subject import Subject


def bank_names(subject: Subject) -> None:
    """The directory of banks, where there is one, can be read."""
    RoutingDirectory(subject.deployment.routing_directory).examine()
