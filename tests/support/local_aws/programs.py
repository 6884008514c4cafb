"""Other people's programs that import version 3 of the SageMaker SDK, each in a process of its own."""

import sys
from pathlib import Path

__all__ = ["sdk_program"]

# The SDK's import takes twice as long where it is not told this, and so does the end of the process.
_RUN = """
import gc, runpy, sys
from helpers.pipeline import slow_imports
gc.disable()
slow_imports.postpone()
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
gc.freeze()
"""


def sdk_program(program: Path, *arguments: str) -> list[str]:
    """The command that runs such a program as `python PROGRAM ARGUMENTS` does, but starts it sooner."""
    return [sys.executable, "-P", "-c", _RUN, str(program), *arguments]
