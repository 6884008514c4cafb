"""Look up known vulnerabilities of the versions in constraints.txt: `make audit`.

They come from https://osv.dev; a machine that cannot reach it is told so, and looks nothing up.
"""

import subprocess
import sys
import urllib.request
from pathlib import Path

SOURCE = "https://api.osv.dev/v1/query"
SECONDS = 10


def main() -> int:
    """Give pip-audit's exit code: 1 if it knows of a vulnerability."""
    try:
        urllib.request.urlopen(SOURCE, b'{"package": {"ecosystem": "PyPI", "name": "pip"}}', SECONDS).close()
    except OSError as error:
        reason = getattr(error, "reason", error)
        print(f"Skipped: {SOURCE} cannot be reached ({reason}), so no vulnerability can be looked up.")
        return 0
    options = ["--vulnerability-service", "osv", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    constraints = Path(__file__).parents[2] / "constraints.txt"
    return subprocess.run([sys.argv[1], *options, "--requirement", str(constraints)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
