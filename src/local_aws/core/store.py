"""Every record of the local AWS: JSON documents in one SQLite table that outlives the server."""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

__all__ = ["Document", "Store"]

Document = dict[str, Any]


class Store:
    """Documents by kind and name, listed in the order in which they were first written."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
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
        return json.loads(row[0]) if row else None

    def put(self, kind: str, name: str, document: Document) -> None:
        """Write a document, whether it is new or not."""
        body = json.dumps(document)
        with self.lock:
            self._database.execute(
                "INSERT INTO documents (kind, name, body) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body",
                (kind, name, body),
            )

    def add(self, kind: str, name: str, document: Document) -> bool:
        """Write a document unless the name is taken; return whether it was written."""
        with self.lock:
            if self.find(kind, name) is not None:
                return False
            self.put(kind, name, document)
            return True

    def update(self, kind: str, name: str, **fields: Any) -> Document:
        """Set fields of an existing document; a field set to None is removed.

        Raises:
            KeyError: No such document.
        """
        with self.lock:
            document = self.find(kind, name)
            if document is None:
                raise KeyError(f"{kind} {name}")
            document.update(fields)
            document = {field: value for field, value in document.items() if value is not None}
            self.put(kind, name, document)
            return document

    def list(self, kind: str) -> list[Document]:
        """Return all documents of one kind, oldest first."""
        with self.lock:
            rows = self._database.execute(
                "SELECT body FROM documents WHERE kind = ? ORDER BY sequence", (kind,)
            ).fetchall()
        return [json.loads(body) for (body,) in rows]

    def delete(self, kind: str, name: str) -> bool:
        """Remove a document; return whether it existed."""
        with self.lock:
            cursor = self._database.execute("DELETE FROM documents WHERE kind = ? AND name = ?", (kind, name))
            return cursor.rowcount > 0

    def close(self) -> None:
        """Close the database."""
        with self.lock:
            self._database.close()
