"""The search index: which pieces of stored output may contain a text.

A database of its own beside the history, made from it and made anew whenever it does not fit: nothing waits for a
commit to it, no backup needs it, and it may be deleted while no service runs.  It names candidates only; whoever
searches looks into them.

FTS5 with trigrams, of which just the numbers of the pieces are kept (`detail=none`): a text is looked up by all its
trigrams together.  Pieces deleted from the history stay in the index, as numbers are never used again; once most of it
is of that kind, another generation is made beside the old one, which serves until then.  https://sqlite.org/fts5.html
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path

from exporter.archive import searchable
from exporter.chunks import Chunk
from exporter.data_dir import private
from exporter.disk_guard import scarce

log = logging.getLogger(__name__)

FILE = "search.db"
POLL_SECONDS = 2.0
"""How often new output is looked for; till it is found, searches read through it."""
_STEP_CHARACTERS = 1 << 20
_STEP_PIECES = 256
"""Indexed in one transaction at most."""
_MOST_TRIGRAMS = 48
"""Of a long text the first ones do."""
_MOST_MENTIONS = 200_000
"""Of the trigrams that begin with a text of one or two characters; one that is so common is soon found without."""
_WORTH_PURGING = 4096
"""Pieces in a generation before it is looked at how many are gone."""
_TEXTS = " as seen"
"""What pieces are indexed by; an index of anything else is made anew."""
_SCHEMA = """
    CREATE TABLE made_from (identity TEXT NOT NULL) STRICT;
    CREATE TABLE generations (number INTEGER PRIMARY KEY, upto INTEGER NOT NULL, pieces INTEGER NOT NULL) STRICT;
"""


def available() -> bool:
    """Whether this SQLite has what the index needs; without it searches read through everything."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE probe USING fts5(text, tokenize='trigram case_sensitive 1')")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


class Indexer:
    """A thread that keeps the index up with the history."""

    def __init__(self, history: Path) -> None:
        self._history = history
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="search-indexer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Waits for a step under way."""
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closing.is_set():
            try:
                if not self._scarce():
                    with _Index(self._history) as index:
                        while not self._closing.wait(0 if self._step(index) else POLL_SECONDS):
                            pass
            except (sqlite3.OperationalError, OSError) as error:  # the disk is full, or failing
                log.debug("the search index is behind: %s", error)
            except sqlite3.DatabaseError as error:
                log.warning("the search index is made anew: %s", error)
                remove(self._history.with_name(FILE))
            self._closing.wait(POLL_SECONDS)

    def _scarce(self) -> bool:
        """What the disk has left is for what cannot be made anew then."""
        return scarce(self._history.parent)

    def _step(self, index: _Index) -> bool:
        """Whether there may be more to do."""
        return not self._scarce() and index.step()


class _Index:
    """The index as its one writer has it."""

    def __init__(self, history: Path) -> None:
        self._source = sqlite3.connect(history, isolation_level=None, timeout=1)
        self._source.execute("PRAGMA query_only = ON")
        self._index = self._open(history.with_name(FILE))
        self._purge_at = _WORTH_PURGING

    def __enter__(self) -> _Index:
        return self

    def __exit__(self, *_: object) -> None:
        self._index.close()
        self._source.close()

    def _open(self, path: Path) -> sqlite3.Connection:
        (identity,) = self._source.execute(
            "SELECT coalesce(max(value), '') FROM facts WHERE name = 'identity'"
        ).fetchone()
        identity += _TEXTS
        (last,) = self._source.execute(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'output_chunks'"
        ).fetchone()
        for _ in range(2):
            index = sqlite3.connect(private(path), isolation_level=None, timeout=1)
            try:
                _keep_journal(index)
                if index.execute("SELECT EXISTS (SELECT 1 FROM sqlite_schema)").fetchone() == (0,):
                    _create(index, identity)
                made_from, upto = index.execute(
                    "SELECT max(identity), coalesce(max(upto), 0) FROM generations LEFT JOIN made_from"
                ).fetchone()
                if made_from == identity and upto <= last:
                    return index
            except sqlite3.OperationalError:
                index.close()
                raise
            except sqlite3.DatabaseError as error:
                log.warning("the search index is made anew: %s", error)
            index.close()
            remove(path)  # of another history, or of a later state of this one
        raise sqlite3.OperationalError(f"{path} does not stay as it is")

    def step(self) -> bool:
        """Index a part of what is new; whether there may be more."""
        number, upto, pieces = self._index.execute(
            "SELECT number, upto, pieces FROM generations ORDER BY number DESC LIMIT 1"
        ).fetchone()
        texts = self._texts_after(upto)
        if texts:
            self._add(number, texts)
            return True
        self._drop_before(number)
        if pieces < self._purge_at:
            return False
        self._purge_at = pieces + pieces // 8
        (stored,) = self._source.execute("SELECT count(*) FROM output_chunks").fetchone()
        if 2 * stored < pieces:
            _begin_generation(self._index, number + 1)
        return True

    def _drop_before(self, number: int) -> None:
        """The generation of this number has all that earlier ones have."""
        for (older,) in self._index.execute("SELECT number FROM generations WHERE number < ?", (number,)).fetchall():
            self._index.execute("BEGIN IMMEDIATE")
            self._index.execute(f"DROP TABLE terms_{older}")
            self._index.execute(f"DROP TABLE text_{older}")
            self._index.execute("DELETE FROM generations WHERE number = ?", (older,))
            self._index.execute("COMMIT")
            self._index.execute("PRAGMA incremental_vacuum").fetchall()

    def _texts_after(self, upto: int) -> list[tuple[int, str]]:
        texts: list[tuple[int, str]] = []
        size = 0
        statement = "SELECT id, first_line, lines, segments, data FROM output_chunks WHERE id > ? ORDER BY id"
        for number, *chunk in self._source.execute(statement, (upto,)):
            text = _text(number, Chunk(*chunk))
            texts.append((number, text))
            size += len(text)
            if size >= _STEP_CHARACTERS or len(texts) >= _STEP_PIECES:
                break
        return texts

    def _add(self, generation: int, texts: list[tuple[int, str]]) -> None:
        self._index.execute("BEGIN IMMEDIATE")
        self._index.executemany(f"INSERT INTO text_{generation} (rowid, text) VALUES (?, ?)", texts)  # noqa: S608
        self._index.execute(
            "UPDATE generations SET upto = ?, pieces = pieces + ? WHERE number = ?",
            (texts[-1][0], len(texts), generation),
        )
        self._index.execute("COMMIT")


def _text(number: int, chunk: Chunk) -> str:
    try:
        return _folded(searchable(chunk)) + "\n\n"  # so that every character begins a trigram
    except Exception:
        log.exception("piece %d of the stored output cannot be read, and so not be found", number)
        return ""


def _keep_journal(index: sqlite3.Connection) -> None:
    """No write-ahead log: it comes with a file that is mapped, and to write there on a full disk ends the process.

    Whoever looks something up, in milliseconds, waits for a commit.  https://sqlite.org/wal.html#the_wal_index_file
    """
    index.execute("PRAGMA journal_mode = TRUNCATE")


def _create(index: sqlite3.Connection, identity: str) -> None:
    index.execute("PRAGMA auto_vacuum = INCREMENTAL")
    index.executescript(_SCHEMA)
    _begin_generation(index, 1)
    index.execute("INSERT INTO made_from VALUES (?)", (identity,))  # last: without it the file is made anew


def _begin_generation(index: sqlite3.Connection, number: int) -> None:
    index.execute("BEGIN IMMEDIATE")
    index.execute(
        f"CREATE VIRTUAL TABLE text_{number}"
        " USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1')"
    )
    index.execute(f"CREATE VIRTUAL TABLE terms_{number} USING fts5vocab(text_{number}, row)")
    index.execute("INSERT INTO generations VALUES (?, 0, 0)", (number,))
    index.execute("COMMIT")


def remove(path: Path) -> None:
    """Remove a database that nothing has open."""
    for suffix in ("", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _folded(text: str) -> str:
    return text.replace("\0", "\ufffd")  # the tokenizer ends at a NUL


def candidates(connection: sqlite3.Connection, q: str) -> dict[str, list[int]] | None:
    """The pieces that may contain a text in any case, by run; None where all have to be looked through.

    `connection` is one to the history with the index attached as `search`.
    """
    needle = _folded(q.casefold())
    pieces: dict[str, list[int]] = {}
    upto = 0
    for number, indexed in connection.execute("SELECT number, upto FROM search.generations").fetchall():
        upto = max(upto, indexed)
        match = _match(connection, number, needle)
        if match is None:
            return None
        statement = (
            f"SELECT run_id, id FROM search.text_{number} CROSS JOIN output_chunks ON id = text_{number}.rowid"  # noqa: S608
            f" WHERE text_{number} MATCH ?"
        )
        for run_id, piece in connection.execute(statement, (match,)):
            pieces.setdefault(run_id, []).append(piece)
    for run_id, piece in connection.execute("SELECT run_id, id FROM output_chunks WHERE id > ?", (upto,)):
        pieces.setdefault(run_id, []).append(piece)
    return pieces


def _match(connection: sqlite3.Connection, generation: int, needle: str) -> str | None:
    """The query for a text; None where it would be about almost everything."""
    if len(needle) >= 3:
        trigrams = dict.fromkeys(needle[start : start + 3] for start in range(len(needle) - 2))
        return " AND ".join(map(_quoted, list(trigrams)[:_MOST_TRIGRAMS]))
    terms = []
    mentions = 0
    statement = f"SELECT term, doc FROM search.terms_{generation} WHERE term >= ? AND term < ?"  # noqa: S608
    for term, pieces in connection.execute(statement, (needle, needle + "\U0010ffff")):
        terms.append(term)
        mentions += pieces
        if mentions > _MOST_MENTIONS:
            return None
    return " OR ".join(map(_quoted, terms)) or '""'


def _quoted(trigram: str) -> str:
    return '"' + trigram.replace('"', '""') + '"'
