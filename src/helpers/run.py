"""`python -m helpers.run`: the former name of `many-models run`, for this release."""

import sys

from commands.run import main

if __name__ == "__main__":
    sys.exit(main())
