import { useEffect, useMemo } from "preact/hooks";
import "./editor.css";
import { filePath } from "../api/files";
import { draftsOf } from "../drafts";
import { address, go, route } from "../route";
import type { TabProps } from "../script/ScriptPage";
import { Editor } from "./laterEditor";
import { Loading } from "./Loading";
import type { Draft } from "./session";
import { fileSource } from "./source";
import { listUsedFiles } from "./useFiles";
import { type ScriptFile, useScriptFile } from "./useScriptFile";
import { words } from "./words";

/** The file that a script runs, to be edited. */
export function CodeTab({ row }: TabProps) {
  const { value, ...loaded } = useScriptFile(row.name);
  if (!value) return <Loading {...loaded} />;
  if (value.runs.kind !== "file") return <NoFile name={row.name} file={value} />;
  return <OneFile key={value.runs.path} path={value.runs.path} script={row.name} />;
}

function OneFile({ path, script }: { path: string; script: string }) {
  const source = useMemo(() => fileSource(path), [path]);
  useEffect(() => () => void takeAlong(path, script), [path, script]);
  return <Editor source={source} scripts={[script]} />;
}

/**
 * Where the file is taken from under the reader's hands, the page follows with what was typed: to the script that runs
 * it now, as after a renaming, else to the file itself.
 */
async function takeAlong(path: string, script: string): Promise<void> {
  const here = route.peek();
  const isLeft = here.page !== "script" || here.name !== script || here.tab !== "code";
  const drafts = draftsOf<Draft>(filePath(path));
  const left = isLeft ? null : await drafts.get();
  if (!left) return;
  drafts.set({ ...left.draft, script });
  const [user, ...others] = await listUsedFiles().then(({ users }) => users.get(path) ?? [], () => []);
  if (route.peek() !== here) return; // the reader was faster
  if (user === undefined || others.length) go({ page: "files", path });
  else go({ page: "script", name: user, tab: "code" });
}

/** Why there is nothing to edit, and where the command can be changed. */
export function NoFile({ name, file: { runs, command, folder } }: { name: string; file: ScriptFile }) {
  const t = words();
  return (
    <section class="card no-file">
      <h2>{runs.kind === "elsewhere" ? t.elsewhereTitle : t.inlineTitle}</h2>
      <pre>
        <code>{typeof command === "string" ? command : command.map((word) => JSON.stringify(word)).join(" ")}</code>
      </pre>
      {runs.kind === "inline" && (
        <p>
          {t.why[runs.why]} {t.inline(folder)}
        </p>
      )}
      {runs.kind === "elsewhere" && <p>{t.elsewhere(runs.path, folder)}</p>}
      <div class="bar-of">
        <a class="button main" href={address({ page: "script", name, tab: "settings" })}>
          {t.toSettings}
        </a>
        <a class="button" href={address({ page: "files" })}>
          {t.toFiles}
        </a>
      </div>
    </section>
  );
}
