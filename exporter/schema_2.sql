-- What brings the tables of version 1 to version 2.

-- A field of exporter.events.Run, too: what of the metrics that the run published was refused, and why.
ALTER TABLE runs ADD COLUMN metrics_rejected TEXT;

-- The metrics of each script's own that are shown, and the end of the run that published them (exporter.published.pack).
CREATE TABLE published (
    script_name TEXT PRIMARY KEY,
    ended_at INTEGER NOT NULL,
    families BLOB NOT NULL
) STRICT;

-- What is told of the last run of scripts whose records were deleted: the record as JSON, and when one last succeeded.
CREATE TABLE cleared (
    script_name TEXT PRIMARY KEY,
    last_run TEXT NOT NULL,
    last_success INTEGER
) STRICT;
