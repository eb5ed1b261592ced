import { useState } from "preact/hooks";
import { lacking } from "../access/lacking";
import { may } from "../access/session";
import { deleteFile, type FileEntry, filePath, tagOf } from "../api/files";
import { useTick } from "../live/clock";
import { address } from "../route";
import { useAction } from "../shell/action";
import { age, bytes, count, moment } from "../text/format";
import { Question } from "../ui/Question";
import { Loading } from "./Loading";
import { NewFile } from "./NewFile";
import { useFiles } from "./useFiles";
import { words } from "./words";

/** More rows would be slow to draw; the filter finds the others. */
const MOST = 300;

/** Every file under `scripts_dir`, and which scripts run it. */
export function FileTable() {
  const t = words();
  const whyNot = lacking("edit");
  const { value, problem, reload } = useFiles();
  const [wanted, setWanted] = useState("");
  const [making, setMaking] = useState(false);
  const [deleted, setDeleted] = useState<string | null>(null);
  const [deleting, setDeleting] = useState<{ path: string; etag: string } | null>(null);
  const ask = useAction(async (path: string) => {
    const etag = await tagOf(filePath(path));
    if (etag === null) reload();
    else setDeleting({ path, etag });
  });
  const remove = useAction(async (path: string, etag: string) => {
    await deleteFile(path, etag);
    setDeleted(path);
  });

  if (!value) {
    return (
      <>
        <h1 class="place">{t.files}</h1>
        <Loading problem={problem} reload={reload} />
      </>
    );
  }
  const found = value.files.filter(({ path }) => path.toLowerCase().includes(wanted.toLowerCase()));
  return (
    <>
      <div class="bar-of spread place">
        <div>
          <h1>{t.files}</h1>
          <p class="note mono">{value.folder}</p>
        </div>
        <div class="bar-of">
          {value.files.length > 0 && (
            <input
              type="search"
              aria-label={t.filterFiles}
              placeholder={t.filterFiles}
              value={wanted}
              onInput={(event) => setWanted(event.currentTarget.value)}
            />
          )}
          {whyNot === undefined && (
            <button type="button" class="main" onClick={() => setMaking(true)}>
              {t.newFile}
            </button>
          )}
        </div>
      </div>
      {whyNot !== undefined && <p class="note">{whyNot}</p>}
      <div role="status">
        {deleted !== null && (
          <div class="notice mild">
            <p>{t.deleted(deleted)}</p>
            <a class="button" href={address({ page: "files", path: deleted, versions: true })}>
              {t.bringBack}
            </a>
          </div>
        )}
      </div>
      {value.files.length === 0 ? (
        <p class="card">{t.noFiles}</p>
      ) : (
        <section class="card files">
          <table>
            <thead>
              <tr>
                <th>{t.file}</th>
                <th>{t.usedBy}</th>
                <th>{t.size}</th>
                <th>{t.modified}</th>
                <th>
                  <span class="unseen">{t.actions}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {found.slice(0, MOST).map((file) => (
                <Row
                  key={file.path}
                  file={file}
                  users={value.users.get(file.path) ?? []}
                  busy={ask.busy}
                  onDelete={() => void ask.go(file.path)}
                />
              ))}
            </tbody>
          </table>
          {found.length === 0 && <p class="note">{t.noFileFits}</p>}
          {found.length > MOST && <p class="note">{t.moreFiles(count(found.length - MOST))}</p>}
          {value.truncated && <p class="note">{t.truncated(count(value.files.length))}</p>}
        </section>
      )}
      {making && <NewFile taken={value.files.map(({ path }) => path)} onClose={() => setMaking(false)} />}
      {deleting && (
        <Question
          title={t.deleteTitle(deleting.path)}
          answer={t.delete}
          busy={remove.busy}
          onClose={() => setDeleting(null)}
          onAnswer={async () => {
            await remove.go(deleting.path, deleting.etag);
            setDeleting(null);
            reload();
          }}
        >
          {value.users.has(deleting.path) && <p class="problem">{t.stillUsed(value.users.get(deleting.path)!.join(", "))}</p>}
          <p>{t.versionsStay}</p>
        </Question>
      )}
    </>
  );
}

interface RowProps {
  file: FileEntry;
  /** Scripts that run it. */
  users: readonly string[];
  busy: boolean;
  onDelete(): void;
}

function Row({ file: { path, size, modified_at, executable, link_to }, users, busy, onDelete }: RowProps) {
  const t = words();
  const at = Date.parse(modified_at);
  const edits = may("edit");
  const when = useTick((now) => moment(at, now));
  const ago = useTick((now) => age(at, now));
  return (
    <tr>
      <th scope="row">
        {edits ? <a href={address({ page: "files", path })}>{path}</a> : path}
        {link_to !== null && <span class="note"> → {link_to}</span>}
        {executable && <span class="note tagged">{t.executable}</span>}
      </th>
      <td>
        {users.map((name) => (
          <a key={name} class="user" href={address({ page: "script", name, tab: edits ? "code" : "runs" })}>
            {name}
          </a>
        ))}
      </td>
      <td>{bytes(size)}</td>
      <td>
        <time dateTime={modified_at} title={when}>
          {ago}
        </time>
      </td>
      <td>
        {edits && (
          <div class="bar-of acts">
            <a class="button" aria-label={t.versionsOf(path)} href={address({ page: "files", path, versions: true })}>
              {t.versions}
            </a>
            <button type="button" disabled={busy} aria-label={t.deleteTitle(path)} onClick={onDelete}>
              {t.delete}
            </button>
          </div>
        )}
      </td>
    </tr>
  );
}
