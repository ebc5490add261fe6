"""The demo: plays a person's whole day over HTTP and checks every step against the sandbox's own ledger.

Imports nothing of the product; it starts the product's programs and talks to them as a browser does.
"""
