"""How a job is called: its arguments, and its exit when a person can fix what went wrong."""

import argparse
from collections.abc import Callable
from typing import NoReturn

from tabular.spec.errors import BadInput

__all__ = ["ArgumentParser", "command"]


class ArgumentParser(argparse.ArgumentParser):
    """Refuses arguments with a sentence, which SageMaker shows, where argparse would leave an exit code."""

    def error(self, message: str) -> NoReturn:
        """Raise the sentence as a BadInput."""
        raise BadInput(f"{self.prog}: {message}.")


def command(main: Callable[[], None]) -> None:
    """Run a module's `main`; a person's mistake ends it with the sentence alone, without a traceback."""
    try:
        main()
    except BadInput as error:
        raise SystemExit(str(error)) from None
