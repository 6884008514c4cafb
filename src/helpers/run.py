"""`python -m helpers.run`: the former name of `many-models run`, for this release."""

import sys

from commands.__main__ import main

if __name__ == "__main__":
    sys.exit(main(["run", *sys.argv[1:]]))
