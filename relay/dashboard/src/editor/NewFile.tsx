import { useState } from "preact/hooks";
import { filePath, listTemplates, type Template, writeText } from "../api/files";
import { go } from "../route";
import { said } from "../shell/announce";
import { Dialog } from "../ui/Dialog";
import { described } from "./templates";
import { useLoaded } from "./useLoaded";
import { words } from "./words";

interface Props {
  /** Paths that there are already. */
  taken: readonly string[];
  onClose(): void;
}

/** A new file under `scripts_dir`, empty or made of a template; then it is opened. */
export function NewFile({ taken, onClose }: Props) {
  const t = words();
  const templates = useLoaded(listTemplates, []);
  const [template, setTemplate] = useState<Template | null>(null);
  const [path, setPath] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  async function make(event: Event) {
    event.preventDefault();
    if (taken.includes(path)) return setProblem(t.isTaken);
    setBusy(true);
    try {
      await writeText(filePath(path), template?.content ?? "", null);
      onClose();
      go({ page: "files", path });
    } catch (error) {
      setProblem(said(error));
      setBusy(false);
    }
  }

  function choose(chosen: Template | null) {
    const untouched = path === "" || (template !== null && path === free(template.file_name, taken));
    if (untouched) setPath(chosen ? free(chosen.file_name, taken) : "");
    setTemplate(chosen);
  }

  return (
    <Dialog title={t.newFile} onClose={onClose}>
      <form class="new-file" onSubmit={make}>
        <fieldset>
          <legend>{t.beginWith}</legend>
          {[null, ...(templates.value ?? [])].map((each) => {
            const about = each && described(each);
            return (
              <label key={each?.name ?? ""} class="check">
                <input type="radio" name="template" checked={template?.name === each?.name} onChange={() => choose(each)} />
                <span lang={about?.lang}>
                  {about?.name ?? t.emptyFile}
                  {about && <span class="note"> {about.description}</span>}
                </span>
              </label>
            );
          })}
          {templates.problem !== null && <p class="problem">{templates.problem}</p>}
        </fieldset>
        <label class="field">
          {t.fileName}
          <input
            type="text"
            class="mono"
            required
            autoFocus
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            placeholder="backup.sh"
            value={path}
            aria-invalid={problem !== null}
            aria-describedby="new-file-help new-file-problem"
            onInput={(event) => {
              setPath(event.currentTarget.value);
              setProblem(null);
            }}
          />
          <span class="note" id="new-file-help">
            {t.fileNameHelp}
          </span>
        </label>
        <p class="problem" id="new-file-problem" role="alert">
          {problem}
        </p>
        <div class="bar-of ends">
          <button type="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button type="submit" class="main" disabled={busy}>
            {t.create}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** `name`, with a number where there is such a file: `script-2.sh`. */
function free(name: string, taken: readonly string[]): string {
  const dot = name.lastIndexOf(".");
  let found = name;
  for (let number = 2; taken.includes(found); number += 1) found = `${name.slice(0, dot)}-${number}${name.slice(dot)}`;
  return found;
}
