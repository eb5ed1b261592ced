import { useRef, useState } from "preact/hooks";
import { BACKUP, type Restored, restoreBackup } from "../api/config";
import { said } from "../shell/announce";
import { bytes, count } from "../text/format";
import { Question } from "../ui/Question";
import { words } from "./words";

/** Everything as one archive: to be kept, and to be brought back. */
export function Backup() {
  const t = words();
  const field = useRef<HTMLInputElement>(null);
  const [archive, setArchive] = useState<File | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const [secrets, setSecrets] = useState(false);
  const [restored, setRestored] = useState<Restored | null>(null);

  async function restore(chosen: File) {
    setArchive(null);
    setBusy(true);
    setProblem(null);
    setRestored(null);
    try {
      setRestored(await restoreBackup(chosen));
    } catch (error) {
      setProblem(said(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <section class="card backup" aria-labelledby="backup">
      <h2 id="backup">{t.backup}</h2>
      <p class="note">{t.backupHelp}</p>
      <div class="bar-of">
        <a class="button" href={secrets ? `${BACKUP}?secrets=include` : BACKUP} download>
          {t.downloadBackup}
        </a>
        <label class="check">
          <input type="checkbox" checked={secrets} onChange={(event) => setSecrets(event.currentTarget.checked)} />
          <span>{t.withSecrets}</span>
        </label>
        <input
          ref={field}
          type="file"
          class="unseen"
          tabIndex={-1}
          aria-label={t.archive}
          accept=".gz,application/gzip"
          onChange={(event) => {
            setArchive(event.currentTarget.files?.[0] ?? null);
            event.currentTarget.value = ""; // the same one can be chosen again
          }}
        />
        <button type="button" disabled={busy} onClick={() => field.current!.click()}>
          {busy ? t.restoring : t.restoreBackup}
        </button>
      </div>
      <p class="note">{secrets ? t.withSecretsHelp : t.withoutSecretsHelp}</p>
      <div role="alert">{problem !== null && <p class="problem">{problem}</p>}</div>
      <div role="status">{restored && <Result restored={restored} />}</div>
      {archive && (
        <Question
          title={t.restoreBackupTitle}
          answer={t.restore}
          onClose={() => setArchive(null)}
          onAnswer={() => void restore(archive)}
        >
          <p>
            <b class="mono">{archive.name}</b> <span class="note">{bytes(archive.size)}</span>
          </p>
          <p>{t.restoreBackupHelp}</p>
        </Question>
      )}
    </section>
  );
}

function Result({ restored }: { restored: Restored }) {
  const t = words();
  const { scripts, files, runs, kept_files: kept, changed_at_next_start: keys } = restored;
  return (
    <>
      <p>{t.restoredBackup(count(scripts), count(files), count(runs))}</p>
      {keys.length > 0 && <p>{t.atNextStart(keys.join(", "))}</p>}
      {kept.length > 0 && <p class="note">{t.keptFiles(kept.join(", "))}</p>}
    </>
  );
}
