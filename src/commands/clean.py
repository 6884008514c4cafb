"""`make clean`: remove what runs and checks have left in this checkout, after asking.

It needs the standard library only, because `.venv` may not be there.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import local_aws
from local_aws.__main__ import confirmed
from local_aws.core.files import disk_use

__all__ = ["clean"]

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ("runs", "build", ".pytest_cache", ".ruff_cache")
MEGABYTE = 2**20


def clean(*, yes: bool, root: Path = ROOT) -> int:
    """Delete the state of local_aws, the results of runs, and caches; return the exit code.

    Args:
        yes: Whether to delete without asking. Nothing is deleted if there is nobody to ask.
        root: The checkout.
    """
    state = local_aws.find_home()
    found = {
        folder: disk_use(folder) for folder in (state, *(root / name for name in RESULTS)) if folder.exists()
    }
    if not found:
        print("There is nothing to delete.")
        return 0
    print("To delete:")
    for folder, size in found.items():
        print(f"{size / MEGABYTE:8.1f} MB  {folder}")
    if not yes and not confirmed(f"Delete these {sum(found.values()) / MEGABYTE:.0f} MB?"):
        print("Nothing was deleted.")
        return 1
    for folder in found:
        if folder == state:
            local_aws.reset(state)
        else:
            shutil.rmtree(folder)
    print("Deleted.")
    return 0


def main(arguments: Sequence[str]) -> int:
    """Run `make clean`; the only argument is --yes."""
    if unknown := [argument for argument in arguments if argument != "--yes"]:
        print(f"Unknown argument {unknown[0]!r}; the only one is --yes.", file=sys.stderr)
        return 2
    try:
        return clean(yes="--yes" in arguments)
    except local_aws.LocalAwsError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
