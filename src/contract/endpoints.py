"""Which of an environment's endpoints serves a group: rendezvous hashing, which needs no table.

Each endpoint has a weight for each group, and the heaviest one serves it. So an endpoint that is added takes
over only the groups for which it is the heaviest; if one goes, only its groups move, each to its second
heaviest.

Thaler and Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM Transactions on Networking
6 (1), 1998.
"""

import hashlib
from collections.abc import Iterable

__all__ = ["MOST", "endpoint_names", "endpoint_of", "preferred"]

MOST = 100  # endpoints of one environment


def endpoint_names(first: str, number: int) -> list[str]:
    """Return the names of this many endpoints: `shop`, `shop--2`, `shop--3`.

    No pipeline's name contains two hyphens in a row, so they are never another environment's.
    """
    return [first, *(f"{first}--{position}" for position in range(2, number + 1))]


def endpoint_of(group: str, endpoints: Iterable[str]) -> str:
    """Return the name of the endpoint that serves a group."""
    return preferred(group, endpoints)[0]


def preferred(group: str, endpoints: Iterable[str]) -> list[str]:
    """Return the endpoints in the order in which they would serve a group, if those before them went."""
    return sorted(endpoints, key=lambda name: (_weight(group, name), name), reverse=True)


def _weight(group: str, endpoint: str) -> bytes:
    return hashlib.blake2b(f"{endpoint}/{group}".encode(), digest_size=8).digest()
