"""splynx-ippay: cards and US bank debits for the Splynx billing server through the IPpay gateway.

Start reading at docs/ARCHITECTURE.md; the table "Where is it?" in README.md leads to everything else.
"""

__version__ = "0.1.0"
