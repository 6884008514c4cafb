"""What this AWS has: the operations of `scope.json`, and no others."""

import functools
import json
from importlib import resources

__all__ = ["offered"]


@functools.cache
def offered() -> frozenset[str]:
    """Return every operation that is emulated or recorded, such as `s3:GetObject`.

    CloudWatch's begin with `monitoring:`, the name that its requests are signed for.
    """
    scope = json.loads((resources.files("local_aws") / "scope.json").read_text())
    return frozenset(scope["emulated"] + scope["recorded"])
