"""How many examples hypothesis tries: 500 in the suite; FUZZ_EXAMPLES=10000 for a long look."""

import os

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "500"))
