"""What the doors share in front of the core: offers, what a payer typed, the words of refusals and endings, formats.

Knows Flask, never a door. Must never keep, show again or log card and account numbers.
"""
