"""What starts a job: it unpacks the source shipped with it and runs it.

Read `commands` (`train` and `process`), `source` (the tarball), `scripts` (programs that know nothing of
`tabular`) and `ending` (reasons for a failure). The launcher stays in the image; the package `tabular`, which
it runs, is shipped with every job, so editing the code does not require a new image.
"""

from launcher.commands import process, train

__all__ = ["process", "train"]
