"""Archives that jobs are given: unpacked without following anything out of their folder."""

import tarfile
from pathlib import Path

from tabular.errors import BadInput

__all__ = ["extract"]


def extract(archive: Path, folder: Path) -> Path:
    """Unpack an archive of files and folders, none of which may land outside the folder.

    Raises:
        BadInput: it holds anything else. Links are not needed, and Python's own filter follows some of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as contents:
        for member in contents:
            if not (member.isreg() or member.isdir()):
                raise BadInput(f"{archive.name} holds {member.name!r}, which is neither a file nor a folder.")
        contents.extractall(folder, filter="data")
    return folder
