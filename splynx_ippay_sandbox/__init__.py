"""A sandbox of both neighbours of the add-on: the Splynx host and the IPpay gateway, true to the wire on loopback.

Imports nothing of the product, so that it cannot mirror the product's mistakes; the product never imports it.
"""
