"""The IPpay gateway of the sandbox: transactions, tokens, settlement and reports, true to the wire."""

from splynx_ippay_sandbox.gateway.app import create_app

__all__ = ["create_app"]
