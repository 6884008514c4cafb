"""Archives that jobs are given: unpacked without following anything out of their folder."""

import tarfile
from pathlib import Path

from tabular.errors import BadInput

__all__ = ["extract"]


def extract(archive: Path, folder: Path) -> Path:
    """Unpack an archive of files and folders, none of which may land outside the folder.

    Raises:
        BadInput: it holds anything else. Links are not needed, and Python's own filter, which came with
            3.11.4 only, follows some of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as contents:
        for member in contents:
            if not (member.isreg() or member.isdir()):
                raise BadInput(f"{archive.name} holds {member.name!r}, which is neither a file nor a folder.")
            target = folder / member.name
            if not target.resolve().is_relative_to(folder.resolve()):
                raise BadInput(f"{archive.name} holds {member.name!r}, which is outside its own folder.")
            if member.isreg():
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(contents.extractfile(member).read())
    return folder
