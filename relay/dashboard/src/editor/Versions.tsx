import { useEffect, useRef, useState } from "preact/hooks";
import "./editor.css";
import { type FileVersion, filePath, listVersions, readText, readVersion, restoreVersion } from "../api/files";
import { useTick } from "../live/clock";
import { announce } from "../shell/announce";
import { useAction } from "../shell/action";
import { age, bytes, count, moment } from "../text/format";
import { Question } from "../ui/Question";
import { Comparison } from "./laterEditor";
import { Loading } from "./Loading";
import { useLoaded } from "./useLoaded";
import { words } from "./words";

/** Shown at first; of a file edited for years there are more than anybody reads. */
const FIRST = 50;

/** Every version of a file: what has changed since, and back to it. */
export function Versions({ path }: { path: string }) {
  const t = words();
  const { value, problem, reload } = useLoaded(
    async () => {
      const now = await readText(filePath(path));
      return { now, versions: await listVersions(path) };
    },
    [path],
    ({ type }) => type === "file_changed",
  );
  const [chosen, setChosen] = useState<number | null>(null);
  const [restoring, setRestoring] = useState<{ number: number; etag: string | null } | null>(null);
  const [all, setAll] = useState(false);
  const restore = useAction(async (number: number, etag: string | null) => {
    try {
      await restoreVersion(path, number, etag);
      announce(t.restored(path, count(number)));
      setChosen(null);
    } finally {
      reload(); // also where somebody else was faster
    }
  });

  if (!value) return <Loading problem={problem} reload={reload} />;
  const { now, versions } = value;
  if (!versions.length) return <p class="card">{t.noVersions(path)}</p>;
  const shown = all ? versions : versions.slice(0, FIRST);
  return (
    <>
      {now.etag === null && (
        <div class="notice mild">
          <p>{t.wasDeleted(path)}</p>
        </div>
      )}
      <section class="card versions" aria-label={t.versionsOf(path)}>
        <table>
          <thead>
            <tr>
              <th>{t.version}</th>
              <th>{t.when}</th>
              <th>{t.what}</th>
              <th>{t.size}</th>
              <th>
                <span class="unseen">{t.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((version) => (
              <Version
                key={version.number}
                version={version}
                isNow={version === versions[0] && version.etag === now.etag}
                isAsNow={version.etag === now.etag}
                chosen={chosen === version.number}
                busy={restore.busy}
                onChoose={() => setChosen(chosen === version.number ? null : version.number)}
                onRestore={() => setRestoring({ number: version.number, etag: now.etag })}
              />
            ))}
          </tbody>
        </table>
        {shown.length < versions.length && (
          <button type="button" class="quiet" onClick={() => setAll(true)}>
            {t.showAll(count(versions.length))}
          </button>
        )}
      </section>
      {chosen !== null && <Difference key={chosen} path={path} number={chosen} now={now.text} />}
      {restoring !== null && (
        <Question
          title={t.restoreTitle(count(restoring.number))}
          answer={t.restore}
          harmless
          busy={restore.busy}
          onClose={() => setRestoring(null)}
          onAnswer={async () => {
            await restore.go(restoring.number, restoring.etag);
            setRestoring(null);
          }}
        >
          <p>{t.reallyRestore(path)}</p>
          <div role="alert">{restoring.etag !== now.etag && <p class="problem">{t.changedSince(path)}</p>}</div>
        </Question>
      )}
    </>
  );
}

interface VersionProps {
  version: FileVersion;
  /** The file is this one. */
  isNow: boolean;
  /** It has the same content. */
  isAsNow: boolean;
  chosen: boolean;
  busy: boolean;
  onChoose(): void;
  onRestore(): void;
}

function Version({ version, isNow, isAsNow, chosen, busy, onChoose, onRestore }: VersionProps) {
  const { number, saved_at, op, size } = version;
  const t = words();
  const at = Date.parse(saved_at);
  const when = useTick((now) => moment(at, now));
  const ago = useTick((now) => age(at, now));
  return (
    <tr aria-current={chosen || undefined}>
      <th scope="row">{count(number)}</th>
      <td>
        <time dateTime={saved_at}>{when}</time> <span class="note">{ago}</span>
      </td>
      <td>
        {t.ops[op]} {isNow ? <b class="good">{t.now}</b> : isAsNow && size !== null && <span class="note">{t.isAsNow}</span>}
      </td>
      <td>{size === null ? "–" : bytes(size)}</td>
      <td>
        {size !== null && !isAsNow && (
          <div class="bar-of acts">
            <button type="button" aria-expanded={chosen} aria-label={t.compareOf(count(number))} onClick={onChoose}>
              {t.compareNow}
            </button>
            <button type="button" disabled={busy} aria-label={t.restoreOf(count(number))} onClick={onRestore}>
              {t.restore}
            </button>
          </div>
        )}
      </td>
    </tr>
  );
}

/** What has changed since a version. */
function Difference({ path, number, now }: { path: string; number: number; now: string }) {
  const t = words();
  const { value, problem, reload } = useLoaded(() => readVersion(path, number), [path, number]);
  const ref = useRef<HTMLElement>(null);
  const isThere = value !== null;
  useEffect(() => ref.current?.scrollIntoView({ block: "nearest" }), [isThere]);
  if (!value) return <Loading problem={problem} reload={reload} />;
  return (
    <section ref={ref} class="card comparing" aria-label={t.compareOf(count(number))}>
      <Comparison
        name={path}
        old={{ text: value.text, title: t.versionNumber(count(number)) }}
        now={{ text: now, title: t.now }}
      />
    </section>
  );
}
