"""IPpay XML: reads requests safely and writes replies. Owns shapes only, no rule and no state.

Tolerant where the real gateway is seen to be (protocol section 1.1): any child order, any content type, leading white
space, attributes or children, both places of a token. Never resolves a DTD or an entity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from defusedxml import DefusedXmlException, ElementTree

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_REQUEST = 64 * 1024
REPLY_ORDER = (
    "TransactionID", "ActionCode", "Approval", "CVV2", "ResponseText", "Token", "AddressMatch", "ZipMatch", "AVS",
    "ErrMsg", "ipTransID", "AdditionalInfo", "TotalAmount",
)  # fmt: skip
_ROOTS = {"ippay": "ippayResponse", "jetpay": "JetPayResponse"}
_NESTED = ("ACH", "IndustryInfo", "ShippingInfo", "Verification")
_TRUE = ("true", "1", "yes")


class UnreadableError(ValueError):
    """Not a message: no XML, a DTD, too long, or another root."""


@dataclass(frozen=True)
class Message:
    """One request: its root and its elements by name; the repr holds no element, for they are card numbers."""

    root: str
    fields: Mapping[str, str] = field(repr=False)
    ach: Mapping[str, str] = field(default_factory=dict, repr=False)
    wants_token: bool = False
    raw: bytes = field(default=b"", repr=False)

    def get(self, *names: str) -> str:
        """The first of these elements that has a text, or nothing."""
        return next((self.fields[name] for name in names if self.fields.get(name)), "")

    @property
    def kind(self) -> str:
        """The TransactionType in upper case."""
        return self.get("TransactionType").upper()

    @property
    def reply_root(self) -> str:
        """The root of the answer: in kind, and written IPPayResponse for TOKENIZE [BPI, ODOO]."""
        root = _ROOTS[self.root.lower()]
        return "IPPayResponse" if self.kind == "TOKENIZE" and root == "ippayResponse" else root

    @property
    def is_jetpay(self) -> bool:
        """Whether the ancestor's dialect was spoken."""
        return self.root.lower() == "jetpay"


def parse(body: bytes) -> ET.Element:
    """The root element; raises UnreadableError."""
    if len(body) > MAX_REQUEST:
        raise UnreadableError("The message is too long.")
    try:
        return ElementTree.fromstring(body.strip(), forbid_dtd=True)
    except (ET.ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UnreadableError("The message is not well formed.") from error


def read(body: bytes) -> Message:
    """A gateway request; raises UnreadableError."""
    root = parse(body)
    if root.tag.lower() not in _ROOTS:
        raise UnreadableError("The message has an unknown root element.")
    fields: dict[str, str] = {}
    ach: dict[str, str] = {}
    wants_token = False
    for child in root:
        if child.tag == "ACH":
            ach = _flat(child)
            wants_token = wants_token or _asks_for_token(child) or any(_asks_for_token(part) for part in child)
        elif child.tag in _NESTED:
            fields.update({f"{child.tag}.{name}": text for name, text in _flat(child).items()})
        else:
            fields.setdefault(child.tag, (child.text or "").strip())
            wants_token = wants_token or _asks_for_token(child)
    return Message(root.tag, fields, ach, wants_token, body)


def write(root: str, reply: Mapping[str, str]) -> bytes:
    """A reply in the documented order, empty elements left out (XML::Simple stumbles over them), ASCII only."""
    document = ET.Element(root)
    for name in REPLY_ORDER:
        if reply.get(name):
            ET.SubElement(document, name).text = reply[name]
    return to_bytes(document)


def write_echo(message: Message, transaction_id: str) -> bytes:
    """Error 900 with the whole request in it, card number and all: a failure mode seen on the real gateway [BOP]."""
    document = ET.Element(message.reply_root)
    ET.SubElement(document, "TransactionID").text = transaction_id
    ET.SubElement(document, "ActionCode").text = "900"
    ET.SubElement(document, "ErrMsg").text = "Unable to process: " + message.raw.decode("utf-8", "replace").replace("\0", "")
    for child in parse(message.raw):
        if child.tag != "TransactionID":
            document.append(child)
    return to_bytes(document)


def to_bytes(document: ET.Element) -> bytes:
    """Give the document in ASCII, everything else as numeric references."""
    text: bytes = ET.tostring(document, encoding="us-ascii")
    return text


def _flat(element: ET.Element) -> dict[str, str]:
    return {**element.attrib, **{child.tag: (child.text or "").strip() for child in element}}


def _asks_for_token(element: ET.Element) -> bool:
    """``Tokenize="true"``; the excerpt of the official specification calls the attribute ``Token``: both are taken."""
    return any(element.get(name, "").lower() in _TRUE for name in ("Tokenize", "Token"))
