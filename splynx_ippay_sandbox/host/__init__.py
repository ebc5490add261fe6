"""The sandbox's Splynx: API 2.0 and 1.0, portal, admin, the command for add-ons, and the proxy to the add-on.

It is true to what public material shows of the wire and the pages, and imports nothing of the product it is used to test.
"""

from splynx_ippay_sandbox.host.app import create_app
from splynx_ippay_sandbox.host.part import HostPart

__all__ = ["HostPart", "create_app"]
