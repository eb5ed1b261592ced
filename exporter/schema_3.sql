-- What brings the tables of version 2 to version 3.

-- The audit trail (exporter.audit).  Rows are added, and dropped where they are the oldest of their kind.
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_name TEXT,
    actor_role TEXT,
    address TEXT,
    action TEXT NOT NULL,
    target TEXT,
    detail TEXT,
    hash_before TEXT,
    hash_after TEXT,
    outcome TEXT NOT NULL,
    status INTEGER,
    method TEXT,
    path TEXT,
    -- 0: an attempt; 1: done, though one need not be an editor for it; 2: done by an editor.
    kind INTEGER NOT NULL GENERATED ALWAYS AS (CASE
        WHEN outcome != 'done' THEN 0
        WHEN action IN ('sign-in', 'sign-out', 'script.run', 'script.stop', 'script.enable', 'script.disable') THEN 1
        ELSE 2
    END) VIRTUAL
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_by_kind ON audit (kind, id);

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit trail is never changed');
END;

CREATE TRIGGER audit_loses_its_oldest_only BEFORE DELETE ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE kind = old.kind AND id < old.id) BEGIN
    SELECT RAISE(ABORT, 'of the audit trail only the oldest entries are dropped');
END;
