"""Which hashes an edit changes: the image's and those of the jobs' code, and what follows from it."""

import hashlib
import shutil
import tempfile
from pathlib import Path

import pandas as pd
from tabular.spec.errors import unknown

from helpers.errors import BadInput
from helpers.image import contents
from helpers.pipeline.code import job_source

__all__ = ["after_comment"]
__dir__ = __all__.copy

COMMENT = "\n# A comment.\n"
LETTERS = 12  # of a hash


def after_comment(file: str = "tabular/serving/server.py") -> pd.DataFrame:
    """The hashes of the image and of each job's code, now and with one more comment in a file.

    Nothing is edited: the hashes are computed of a copy.

    Args:
        file: a file of `container/`, such as `tabular/serving/server.py`.

    Raises:
        BadInput: there is no such file in the image.
    """
    path = contents.ROOT / "container" / file
    if not path.is_file() or path.suffix != ".py":
        known = [p.relative_to(contents.ROOT / "container").as_posix() for p in _python()]
        raise BadInput(str(unknown("file", file, known)))
    edited = path.read_text() + COMMENT
    now, then = contents.fingerprint(), contents.fingerprint({path: edited})
    rows = [_row("the image", now, then, "build it again; the endpoint gets it")]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tabular"
        shutil.copytree(
            contents.ROOT / "container/tabular", copy, ignore=shutil.ignore_patterns("*.so", "__*__")
        )
        before = {job: _sha256(job_source.archive(job, copy)) for job in job_source.JOBS}
        if path.is_relative_to(contents.ROOT / "container/tabular"):
            (copy / path.relative_to(contents.ROOT / "container/tabular")).write_text(edited)
        for job in job_source.JOBS:
            after = _sha256(job_source.archive(job, copy))
            rows.append(_row(job, before[job], after, "its job runs again"))
    return pd.DataFrame(rows).set_index("hash of")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _python() -> list[Path]:
    return sorted((contents.ROOT / "container").rglob("*.py"))


def _row(what: str, now: str, then: str, follows: str) -> dict[str, str]:
    same = now == then
    return {
        "hash of": what,
        "now": now[:LETTERS],
        "with the comment": then[:LETTERS],
        "what follows": "nothing: it is the same" if same else follows,
    }
