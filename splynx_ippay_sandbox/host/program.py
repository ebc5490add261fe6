"""Writes ``system/script/addon``, the program an installer calls; it passes its words to the running host.

The program needs nothing but Python's standard library and never reads anything of the sandbox's package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PROGRAM = '''#!/usr/bin/env python3
"""The Splynx sandbox's command for add-ons: passes its arguments to the running host."""

import json
import sys
import urllib.request

URL = {url!r}


def main() -> int:
    body = json.dumps({{"argv": sys.argv[1:]}}).encode()
    request = urllib.request.Request(URL, data=body, headers={{"Content-Type": "application/json"}})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({{}}))
    try:
        with direct.open(request, timeout=30) as answer:
            done = json.load(answer)
    except OSError as error:
        print(f"The sandbox host does not answer at {{URL}}: {{error}}", file=sys.stderr)
        return 2
    sys.stdout.write(done["stdout"])
    sys.stderr.write(done["stderr"])
    return int(done["exit"])


sys.exit(main())
'''


def install(folder: Path, host_url: str) -> Path:
    """Write the program under the host's folder and return its path."""
    path = folder / "system" / "script" / "addon"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_PROGRAM.format(url=f"{host_url.rstrip('/')}/_sandbox/cli"), encoding="utf-8")
    path.chmod(0o755)
    return path
