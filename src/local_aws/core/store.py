"""Every record of the local AWS: JSON documents in one SQLite table that outlives the server."""

import copy
import errno
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Document", "Store"]

Document = dict[str, Any]
_LAST = "\U0010ffff"  # sorts after any character of a name


class Store:
    """Documents by kind and name, listed in the order in which they were first written.

    On a full disk, a write raises OSError, and its client is told. Nobody would be told what the server finds
    out by itself, such as the end of a job: `note` keeps it in memory until there is space.
    """

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self._path = path
        self._unwritten: dict[tuple[str, str], Document] = {}
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS documents (sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
            " kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, name))"
        )

    def find(self, kind: str, name: str) -> Document | None:
        """Return a document, or None if it does not exist."""
        with self.lock:
            row = self._database.execute(
                "SELECT body FROM documents WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
            if noted := self._unwritten.get((kind, name)):
                return copy.deepcopy(noted)
        return json.loads(row[0]) if row else None

    def put(self, kind: str, name: str, document: Document) -> None:
        """Write a document, whether it is new or not.

        Raises:
            OSError: The disk is full.
        """
        with self.transaction():
            self._database.execute(
                "INSERT INTO documents (kind, name, body) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body",
                (kind, name, json.dumps(document)),
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything in this context, or nothing.

        Raises:
            OSError: The disk is full.
        """
        with self.lock:
            if self._database.in_transaction:
                yield
                return
            unwritten, self._unwritten = self._unwritten, {}
            try:
                with _full_disk(self._path), self._database:
                    self._database.execute("BEGIN IMMEDIATE")
                    for (kind, name), document in unwritten.items():
                        self.put(kind, name, document)
                    yield
            except BaseException:
                self._unwritten = unwritten
                raise

    def add(self, kind: str, name: str, document: Document) -> bool:
        """Write a document unless the name is taken; return whether it was written."""
        with self.transaction():
            if self.find(kind, name) is not None:
                return False
            self.put(kind, name, document)
            return True

    def update(self, kind: str, name: str, **fields: Any) -> Document:
        """Set fields of an existing document; a field set to None is removed.

        Raises:
            KeyError: No such document.
            OSError: The disk is full.
        """
        with self.transaction():
            document = self._updated(kind, name, fields)
            self.put(kind, name, document)
            return document

    def note(self, kind: str, name: str, **fields: Any) -> Document:
        """Set fields as `update` does; on a full disk, keep them in memory until another write succeeds.

        Raises:
            KeyError: No such document.
        """
        with self.lock:
            try:
                return self.update(kind, name, **fields)
            except OSError:
                document = self._unwritten[kind, name] = self._updated(kind, name, fields)
                return copy.deepcopy(document)

    def list(self, kind: str, prefix: str = "") -> list[Document]:
        """Return all documents of one kind whose names begin so, oldest first."""
        with self.lock:
            rows = self._database.execute(
                "SELECT name, body FROM documents WHERE kind = ? AND name >= ? AND name < ?"
                " ORDER BY sequence",
                (kind, prefix, prefix + _LAST),
            ).fetchall()
            noted = {name: document for (of, name), document in self._unwritten.items() if of == kind}
            return [copy.deepcopy(noted[name]) if name in noted else json.loads(body) for name, body in rows]

    def items(self) -> Iterator[tuple[str, str, Document]]:
        """Yield the kind and name of every document, and the document."""
        with self.lock:
            rows = self._database.execute("SELECT kind, name FROM documents ORDER BY sequence").fetchall()
            for kind, name in rows:
                if (document := self.find(kind, name)) is not None:
                    yield kind, name, document

    def compact(self) -> None:
        """Give the space of what was deleted back to the disk."""
        with self.lock:
            self._database.execute("VACUUM")
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def delete(self, kind: str, name: str) -> bool:
        """Remove a document; return whether it existed."""
        with self.transaction():
            cursor = self._database.execute("DELETE FROM documents WHERE kind = ? AND name = ?", (kind, name))
            return cursor.rowcount > 0

    def close(self) -> None:
        """Close the database."""
        with self.lock:
            self._database.close()

    def _updated(self, kind: str, name: str, fields: Document) -> Document:
        document = self.find(kind, name)
        if document is None:
            raise KeyError(f"{kind} {name}")
        return {field: value for field, value in (document | fields).items() if value is not None}


@contextmanager
def _full_disk(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about a file that cannot be written into OSErrors."""
    try:
        yield
    except sqlite3.OperationalError as error:
        primary = error.sqlite_errorcode & 0xFF  # without the extension, which says what was being done
        if primary not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise
        number = errno.ENOSPC if primary == sqlite3.SQLITE_FULL else errno.EIO
        raise OSError(number, os.strerror(number), str(path)) from error
