"""Charge runs: a plan with a reason for each invoice, and its execution. Never imports Flask."""
