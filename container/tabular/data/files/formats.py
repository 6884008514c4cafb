"""What opens a file, by its first bytes; and files that are not tables, with what to do about them."""

import bz2
import gzip
import lzma
import re
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import pyarrow as pa

__all__ = ["MAGIC", "is_parquet", "is_uncompressed", "opener", "refuse_foreign", "refuse_inside"]

MAGIC = 16  # bytes, by which every kind of file below can be told
COMPRESSIONS: dict[bytes, tuple[str, Callable[[Path], Any]]] = {
    rb"\x1f\x8b": ("gzip", gzip.open),
    rb"BZh[1-9](1AY&SY|\x17rE8P\x90)": ("bzip2", bz2.open),
    rb"\xfd7zXZ": ("xz", lzma.open),
    rb"\x28\xb5\x2f\xfd": ("zstd", partial(pa.input_stream, compression="zstd")),
    rb"PK\x03\x04": ("zip", lambda path: _only_member(path)),
}
# A byte that no text has, or the end: the header of a CSV file may well begin with these letters.
_BINARY = rb"([^\x00-\x08\x0e-\x1f]*[\x00-\x08\x0e-\x1f]|\Z)"
_PARQUET = re.compile(rb"PAR1" + _BINARY, re.DOTALL)
# Files that are not CSV, by the pattern of their first bytes, and what the user can do with them.
FOREIGN = {
    rb"\xd0\xcf\x11\xe0": "it is an Excel workbook; save its sheet as CSV UTF-8",
    rb"%PDF-\d": "it is a PDF; export the table as CSV from the program that created it",
    rb"\{\\rtf": "it is an RTF document; save the table as CSV",
    rb"Rar!\x1a": "it is a RAR archive; unpack it",
    rb"7z\xbc\xaf": "it is a 7z archive; unpack it",
    rb"HEADER RECORD\*": "it is a SAS transport file; save it as CSV",
    rb"\0{8}": "it begins with zero bytes, so it is not text; export the table as CSV from its program",
    rb"version https?://": "it is a Git LFS pointer to a file; fetch the file with git lfs pull",
} | {
    start: f"it is {what}; read it with the library that wrote it, and save it as CSV or Parquet"
    for start, what in (
        *((rb"\x80[\x03-\x05]", "a Python pickle"), (rb"\x93NUMPY[\x01-\x03]", "a NumPy array")),
        *((rb"ARROW1\0", "a Feather file"), (rb"\xff{4}", "an Arrow stream"), (rb"Obj\x01", "an Avro file")),
        *((rb"ORC" + _BINARY, "an ORC file"), (rb"\x89HDF\r\n", "an HDF5 file")),
        *((rb"SQLite format 3", "an SQLite database"), (rb"<stata_dta>", "a Stata file")),
        *((rb"\$FL[23]@\(#\)", "an SPSS file"), (rb"X\n\0\0\0|RD[ABX][1-3]\n", "a file of R")),
        *((rb"\x89PNG\r\n", "an image"), (rb"\xff\xd8\xff", "an image")),
    )
}
_HTML = re.compile(
    r"\s*(<!--.*?-->\s*)*"
    r"<(!doctype html|\?xml|(html|head|body|table|error)\b(?!>[,;\t|])|[a-z]+:[a-z]+[ >]"
    r"|\w+>(\s*\n\s*)?<\w)",
    re.IGNORECASE | re.DOTALL,
)
# As polars, DuckDB and R print a table, and psql with borders of Unicode; polars tells its shape first.
_BOX = re.compile(
    r"\s*(shape: \(.*\)\s*)?[\u250c\u250f\u2554\u256d][\u2500\u2501\u2550]"
    r"|# A [a-z_ ]+: [\d,]+ [x\u00d7] [\d,]+\s*\n(?:[^\n]*\n){1,3}\s*<[a-z]+>"
    r"|Rows: [\d,]+\s*\nColumns: [\d,]+\s*\n\$ "
)
_SCRIPT = re.compile(r"\s*(?:(?:var|let|const)\s+[\w.]+|(?:window|globalThis|exports)\.[\w.]+)\s*=\s*[\[{]")
_DICTIONARIES = re.compile(r"(?:\{'[^'\n]*': [^\n]*\}\s*\n){2}")
_SQL = re.compile(
    r"\s*(--[^\n]*\n\s*|/\*.*?\*/;?\s*)*"
    r"(insert\s+into\s[^\n,]*?(\(|values\b)|create\s+(table|database)\s[^,]*?(\(|;\s)"
    r"|pragma\s+\w+\s*[=;(]|set\s+\w+\s*=\s)",
    re.IGNORECASE | re.DOTALL,
)
_SPARSE = re.compile(r"(#.*\n)*([-+]?[\d.]+(e[-+]?\d+)? +(qid:\d+ +)?(\d+:[-+.\de]+ *)+(#.*)?(\r?\n|\Z)){3}")
_ARFF = re.compile(r"(\s|%.*\n)*@relation\s(.*\n)+?\s*@attribute\s", re.IGNORECASE)


def opener(magic: bytes) -> tuple[str, Callable[[Path], Any]]:
    """The compression of a file that begins with `magic`, and what opens it for reading bytes.

    Raises:
        ValueError: if it is a file of another kind.
    """
    if said := next((said for start, said in FOREIGN.items() if re.match(start, magic)), None):
        raise ValueError(said)
    compression, opened = next(
        (found for start, found in COMPRESSIONS.items() if re.match(start, magic)), ("none", open)
    )
    return compression, partial(open, mode="rb") if opened is open else opened


def is_parquet(magic: bytes) -> bool:
    """Whether a file that begins with `magic` is Parquet, and not CSV with a column that is called PAR1."""
    return _PARQUET.match(magic) is not None


def is_uncompressed(opened: Callable[[Path], Any]) -> bool:
    """Whether `opener` returned this for a file without compression."""
    return isinstance(opened, partial) and opened.func is open


def refuse_inside(start: bytes) -> None:
    """Refuse a file that is not text after it was unpacked; its content begins with `start`.

    Raises:
        ValueError: if it was packed twice, or is of another kind.
    """
    if is_parquet(start):
        raise ValueError("it is a compressed Parquet file; unpack it, since Parquet is compressed already")
    if opener(start)[0] != "none":
        raise ValueError("it is compressed twice, or an archive within another; unpack it once")


def refuse_foreign(sample: str) -> None:
    """Refuse text that is not a table.

    Raises:
        ValueError: if `sample`, the beginning of a file, is of another kind.
    """
    if "\0" in sample:
        raise ValueError(
            "it is a tar archive; unpack it and give its files"
            if sample[257:262] == "ustar"
            else "it contains zero bytes, so it is not text"
        )
    if _HTML.match(sample):
        raise ValueError("it is an HTML or XML page, probably an error message; open it in a browser")
    if _BOX.match(sample):
        raise ValueError(
            "it is a table as a program prints it, which may leave out rows, columns and ends of cells; "
            "export it as CSV, as polars and R do with write_csv and DuckDB with COPY"
        )
    if _SCRIPT.match(sample):
        raise ValueError(
            "it is JavaScript; remove what stands before the first bracket and after the last, so that it is "
            "JSON"
        )
    if _DICTIONARIES.match(sample):
        raise ValueError(
            "its lines are dictionaries as Python shows them; write each with json.dumps instead of str"
        )
    if _SQL.match(sample):
        raise ValueError("it is an SQL dump; load it into a database, and export the table as CSV")
    if _ARFF.match(sample):
        raise ValueError(
            "it is an ARFF file, as Weka and KEEL write; save it as CSV, or give openml:<number> if it is "
            "there"
        )
    if _SPARSE.match(sample):
        raise ValueError(
            "it is a libsvm (svmlight) file, which has numbered features and no names; load it with "
            "sklearn.datasets.load_svmlight_file, and save it as CSV with a header"
        )


def _only_member(path: Path) -> BinaryIO:
    archive = zipfile.ZipFile(path)
    if "[Content_Types].xml" in archive.namelist():
        if any(one.startswith(("word/", "ppt/")) for one in archive.namelist()):
            raise ValueError("it is a Word or PowerPoint document; save its table as CSV UTF-8")
        raise ValueError("it is an Excel workbook; save its sheet as CSV UTF-8")
    if "mimetype" in archive.namelist():
        raise ValueError("it is an OpenDocument spreadsheet; save its sheet as CSV UTF-8")
    members = [one for one in archive.namelist() if not one.endswith("/") and "__MACOSX" not in one]
    members = [one for one in members if not PurePosixPath(one).name.startswith(".")]
    if len(members) != 1:
        raise ValueError(f"it is a zip archive of {len(members)} files instead of one; unpack it")
    return archive.open(members[0])
