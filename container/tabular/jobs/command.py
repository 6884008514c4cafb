"""The command line of a job: its arguments, and its exit after an error that the user can fix."""

import argparse
import errno
from collections.abc import Callable
from typing import NoReturn

from tabular.spec.errors import BadInput

__all__ = ["ArgumentParser", "command"]


class ArgumentParser(argparse.ArgumentParser):
    """Refuses arguments with a sentence that SageMaker shows; argparse itself would only set an exit code."""

    def error(self, message: str) -> NoReturn:
        """Raise the message as a BadInput."""
        raise BadInput(f"{self.prog}: {message}.")


def command(main: Callable[[], None]) -> None:
    """Run a module's `main`; the user's mistakes end it with one sentence and without a traceback."""
    try:
        main()
    except BadInput as error:
        raise SystemExit(str(error)) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        file = error.filename or "one of its files"
        raise SystemExit(
            f"No space is left on the job's disk for {file}; give the instance a larger volume, or "
            "on a laptop free some space, and start the job again."
        ) from None
