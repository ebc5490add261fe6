"""``python -m splynx_ippay_sandbox``: the same as the ``splynx-ippay-sandbox`` command."""

import sys

from splynx_ippay_sandbox.cli import main

sys.exit(main())
