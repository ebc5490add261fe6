"""Letters: which mails the add-on owes its customers, what stands in them, and the job that sends them."""


class Overtaken(Exception):
    """What a mail was to say is not true any more: it does not go out."""
