"""``python -m splynx_ippay`` is ``splynx-ippay``."""

import sys

from splynx_ippay.cli import main

if __name__ == "__main__":
    sys.exit(main())
