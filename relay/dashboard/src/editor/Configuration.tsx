import "./editor.css";
import { Backup } from "./Backup";
import { Editor } from "./laterEditor";
import { configSource } from "./source";
import { words } from "./words";

/** The configuration as a text, and backups of everything. */
export function Configuration() {
  const t = words();
  return (
    <>
      <div class="place">
        <h1>{t.configuration}</h1>
        <p class="note">{t.configurationHelp}</p>
      </div>
      <Editor source={configSource} />
      <Backup />
    </>
  );
}
