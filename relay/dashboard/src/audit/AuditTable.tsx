import "../runs/runs.css";
import type { ComponentChildren } from "preact";
import type { AuditEntry } from "../events";
import { useTick } from "../live/clock";
import { address } from "../route";
import { age, moment } from "../text/format";
import type { Sign } from "../text/words";
import { RecordTable } from "../ui/RecordTable";
import { Signed } from "../ui/Signed";
import { words } from "./words";

const SIGNS: Record<AuditEntry["outcome"], Sign> = { done: "good", refused: "warning", failed: "bad" };
/** Digits of a hash that are shown. */
const SHOWN = 8;
const RUN = /^[0-9A-HJKMNP-TV-Z]{26}$/;

export function AuditTable({ entries }: { entries: readonly AuditEntry[] }) {
  const t = words();
  const columns = [t.when, t.actor, t.action, t.target, t.hashes, t.address, t.outcome];
  return (
    <RecordTable label={t.title} kind="audit" columns={columns}>
      {entries.map((entry) => (
        <Row key={entry.id} entry={entry} />
      ))}
    </RecordTable>
  );
}

function Row({ entry }: { entry: AuditEntry }) {
  const t = words();
  const { action, outcome, status, target, detail, before, after } = entry;
  const said = t.outcomes[outcome];
  const cells: [string, ComponentChildren][] = [
    [t.actor, <Who entry={entry} />],
    [t.action, t.actions[action]],
    [t.target, target === null && detail === null ? t.none : <Target entry={entry} />],
    [t.hashes, before === null && after === null ? t.none : <Hashes before={before} after={after} />],
    [t.address, entry.address ?? t.none],
    [t.outcome, <Signed sign={SIGNS[outcome]} text={outcome === "done" || status === null ? said : t.status(said, status)} />],
  ];
  return (
    <tr role="row">
      <th role="rowheader" scope="row">
        <When at={Date.parse(entry.at)} />
      </th>
      {cells.map(([label, content]) => (
        <td key={label} role="cell" data-label={label} class={content === t.none ? "none" : label === t.target ? "of" : ""}>
          {content}
        </td>
      ))}
    </tr>
  );
}

function When({ at }: { at: number }) {
  const when = useTick((now) => moment(at, now));
  const ago = useTick((now) => age(at, now));
  return (
    <>
      <time dateTime={new Date(at).toISOString()}>{when}</time>
      <span class="note">{ago}</span>
    </>
  );
}

function Who({ entry: { actor } }: { entry: AuditEntry }) {
  const kind = words().kinds[actor.kind];
  const notes = [...(actor.name === null ? [] : [kind]), ...(actor.role === null ? [] : [actor.role])];
  return (
    <>
      {actor.name ?? kind}
      {notes.length > 0 && <span class="note">{notes.join(", ")}</span>}
    </>
  );
}

/** What it was done to, which leads there, and what else there is to be said. */
function Target({ entry: { action, target, detail } }: { entry: AuditEntry }) {
  const t = words();
  const isFile = action.startsWith("file.");
  const isScript = action.startsWith("script.") || action === "logs.delete";
  const run = detail !== null && target !== null && RUN.test(detail) ? detail : null;
  return (
    <>
      {target !== null && isScript && <a href={address({ page: "script", name: target, tab: "runs" })}>{target}</a>}
      {target !== null && isFile && <a href={address({ page: "files", path: target, versions: true })}>{target}</a>}
      {target !== null && !isScript && !isFile && target}
      {detail !== null && (
        <span class="note">
          {run === null ? (
            told()
          ) : (
            <a class="mono" href={address({ page: "script", name: target!, tab: "output", run })}>
              {run}
            </a>
          )}
        </span>
      )}
    </>
  );

  function told(): string {
    switch (action) {
      case "logs.delete":
        return t.runs(detail!);
      case "file.restore":
        return t.version(detail!);
      case "script.rename":
        return t.renamed(detail!);
      case "sign-out":
        return t.everywhere;
      default:
        return detail!;
    }
  }
}

/** The first digits before and after; the rest is in the title. */
function Hashes({ before, after }: { before: string | null; after: string | null }) {
  const t = words();
  if (before === after) {
    return (
      <>
        <code title={after!}>{after!.slice(0, SHOWN)}</code> <span class="note">{t.same}</span>
      </>
    );
  }
  return (
    <>
      <Hash of={before} said={t.was} /> → <Hash of={after} said={t.is} />
    </>
  );
}

function Hash({ of, said }: { of: string | null; said: string }) {
  const t = words();
  return (
    <>
      <span class="unseen">{said} </span>
      {of === null ? t.absent : <code title={of}>{of.slice(0, SHOWN)}</code>}
    </>
  );
}
