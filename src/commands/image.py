"""Build the image: on this machine for a look, or for an environment, whose registry gets it."""

import argparse
import os
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from commands.terraform import find
from helpers.errors import UserError, one_line
from helpers.image.builders import BUILDERS, build, build_here
from helpers.session import connect, outputs_of

__all__ = ["main"]

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Build what the command line asks for and give the exit code."""
    given = _parser().parse_args(arguments)
    try:
        if given.env:
            file = find(given.env).outputs_file
            os.environ.setdefault("AWS_DEFAULT_REGION", outputs_of(str(file))["region"])
            session = connect("aws", outputs_of(str(file))["pipeline_name"], str(file))
            build(session, given.builder, str(file))
        else:
            print(build_here(given.base))
    except UserError as error:
        print(f"\n{error}", file=sys.stderr)
        return error.exit_code
    except (BotoCoreError, ClientError) as error:
        print(f"\nAWS refused: {one_line(error)}. Mend that, and run this again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; run the same command again.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m commands.image", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--env", default="", help="push to this environment's registry, such as dev")
    parser.add_argument("--builder", default="auto", choices=BUILDERS, help="who builds for --env")
    parser.add_argument("--base", default="python:3.12-slim", help="without --env: the image to extend")
    return parser


if __name__ == "__main__":
    sys.exit(main())
