import "./audit.css";
import { useEffect, useState } from "preact/hooks";
import { auditDownload, type AuditFilter, listAudit } from "../api/audit";
import { Loading } from "../editor/Loading";
import { useLoaded } from "../editor/useLoaded";
import { filtered, replace, type Route, step } from "../route";
import { here } from "../shell/places";
import { AuditFilters } from "./AuditFilters";
import { AuditTable } from "./AuditTable";
import { words } from "./words";

const PAGE = 50;
/** The service gives no more at once. */
const MOST = 1_000;
/** Frames that tell of what somebody may have done. */
const NEWS: readonly string[] = ["script_status", "script_changed", "file_changed"];

/** Who did what, when and from where. */
export function Audit({ route: { filter = {} } }: { route: Extract<Route, { page: "audit" }> }) {
  const look = (wanted: AuditFilter) => replace({ page: "audit", ...filtered(wanted) });
  const t = words();
  return (
    <>
      <div class="bar-of spread place">
        <div>
          <h1>{t.title}</h1>
          <p class="note">{t.help}</p>
        </div>
        <a class="button" href={auditDownload(filter)} download>
          {t.download}
        </a>
      </div>
      <AuditFilters filter={filter} onChange={look} />
      <Entries key={JSON.stringify(filter)} filter={filter} onForget={Object.keys(filter).length ? () => look({}) : null} />
    </>
  );
}

/** Newest first, and further back at the reader's wish. */
function Entries({ filter, onForget }: { filter: AuditFilter; onForget: (() => void) | null }) {
  const t = words();
  const what = `audit ${JSON.stringify(filter)}`;
  const [limit, setLimit] = useState(here().loaded[what] ?? PAGE);
  useEffect(() => {
    here().loaded[what] = limit;
  }, [limit, step.value]);
  const { value, problem, reload } = useLoaded(() => listAudit(filter, limit), [limit], ({ type }) => NEWS.includes(type));
  if (!value) return <Loading problem={problem} reload={reload} />;
  return (
    <div class="run-list">
      {problem !== null && (
        <div class="notice">
          <p class="problem">{problem}</p>
        </div>
      )}
      {value.audit.length === 0 ? (
        <p class="card nothing">
          {t.nothing} {onForget && <button onClick={onForget}>{t.forget}</button>}
        </p>
      ) : (
        <div class="frame">
          <AuditTable entries={value.audit} />
        </div>
      )}
      {value.next !== null && limit < MOST && (
        <button type="button" class="more" onClick={() => setLimit(Math.min(MOST, limit + PAGE))}>
          {t.more}
        </button>
      )}
      {value.next !== null && limit >= MOST && <p class="note">{t.most}</p>}
    </div>
  );
}
