-- The history's tables, version 1.  Times are milliseconds since the Unix epoch, durations milliseconds.

-- One row a run, and one for every planned start that did not happen (status 'skipped').
-- The columns up to dropped_bytes are the fields of exporter.events.Run, in its order.
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    script_name TEXT NOT NULL,
    trigger TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    exit_code INTEGER,
    scheduled_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    duration INTEGER,
    cpu_seconds REAL,
    max_rss_bytes INTEGER,
    stdout_bytes INTEGER NOT NULL,
    stderr_bytes INTEGER NOT NULL,
    dropped_bytes INTEGER NOT NULL,
    begun_at INTEGER NOT NULL GENERATED ALWAYS AS (coalesce(started_at, scheduled_at)) VIRTUAL
) STRICT;

CREATE INDEX runs_by_time ON runs (begun_at, run_id);
CREATE INDEX runs_by_script ON runs (script_name, begun_at, run_id);
CREATE INDEX runs_executing ON runs (run_id) WHERE status = 'running';
CREATE INDEX runs_by_end ON runs (script_name, status, ended_at, run_id);

-- The output of finished runs, compressed, in pieces of whole lines (exporter.archive.Chunk).
-- No id is ever used again: the search index knows the pieces by it.
CREATE TABLE output_chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL,
    first_line INTEGER NOT NULL,
    lines INTEGER NOT NULL,
    segments BLOB NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (run_id, first_line)
) STRICT;

-- Runs whose stored output is to go, a little at a time (exporter.sweeper).
CREATE TABLE output_garbage (run_id TEXT PRIMARY KEY) STRICT;

CREATE TRIGGER output_of_deleted_runs AFTER DELETE ON runs BEGIN
    INSERT OR IGNORE INTO output_garbage VALUES (old.run_id);
END;

-- How far each script's timetable has been worked off: nothing up to last_slot is ever started again.
CREATE TABLE timetable (
    script_name TEXT PRIMARY KEY,
    schedule TEXT NOT NULL,
    last_slot INTEGER NOT NULL
) STRICT;

-- Single values, by name.
CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- What the search index was made from: other numbers of pieces mean nothing to it.
INSERT OR IGNORE INTO facts VALUES ('identity', lower(hex(randomblob(16))));

-- What files under scripts_dir have held, compressed, as far as it was seen (exporter.versions).  A deletion has no content.
CREATE TABLE file_versions (
    path TEXT NOT NULL,
    number INTEGER NOT NULL,
    saved_at INTEGER NOT NULL,
    op TEXT NOT NULL,
    mode INTEGER,
    size INTEGER,
    etag TEXT,
    data BLOB,
    PRIMARY KEY (path, number)
) STRICT;
