"""Artifacts as the pipeline makes them, with next to nothing in them."""

import hashlib
import json


def described(files, predictions=("red",), **changes):
    """The files of an artifact, with a manifest that describes them."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    sample = {"instances": [{"x": 1.5}] * len(predictions), "predictions": list(predictions)}
    manifest = {"files": digests, "sample": sample, **changes}
    return {"manifest.json": json.dumps(manifest).encode(), **files}
