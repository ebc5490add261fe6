"""Mails: how they are written and handed over, and the outbox of those that are owed. Who reads what: ``letters``."""

from splynx_ippay.notifications.mail import Mail, NotDelivered, address_in, can_send, masked, render, send
from splynx_ippay.notifications.outbox import MailState, OutboxMail, drop_owed, enqueue

__all__ = [
    "Mail", "MailState", "NotDelivered", "OutboxMail", "address_in", "can_send", "drop_owed", "enqueue", "masked", "render", "send",
]
