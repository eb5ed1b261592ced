import { useRef } from "preact/hooks";
import type { Settings } from "./SettingsTab";
import type { Text } from "./useSettings";
import { words } from "./words";

/** The entry as it stands in the configuration file. */
export function YamlText({ settings, text }: { settings: Settings; text: Text }) {
  const t = words();
  const area = useRef<HTMLTextAreaElement>(null);
  const faults = settings.faults.map((fault) => ({
    ...fault,
    line: settings.lineOf(fault),
    column: fault.column ?? undefined, // the service has null where it is not known
  }));

  /** The rest of the line, from the column on where that is known. */
  function show(line: number, column = 1) {
    const lines = area.current!.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    area.current!.focus();
    area.current!.setSelectionRange(start + column - 1, start + (lines[line - 1]?.length ?? 0));
  }

  return (
    <section class="card yaml">
      <div role="alert">
        {settings.isContested && (
          <div class="contest">
            <p>{t.yamlConflict}</p>
            <div class="bar-of">
              <button type="button" onClick={settings.discard}>
                {t.takeAll}
              </button>
              <button type="button" onClick={settings.keepText}>
                {t.keep}
              </button>
            </div>
          </div>
        )}
      </div>
      <label class="label" for="yaml">
        {t.yamlLabel}
      </label>
      <textarea
        ref={area}
        id="yaml"
        class="mono"
        spellcheck={false}
        rows={Math.max(12, text.text.split("\n").length + 1)}
        aria-describedby="yaml-faults yaml-help"
        aria-invalid={faults.length > 0 || undefined}
        value={text.text}
        onInput={(event) => settings.typeText(event.currentTarget.value)}
      />
      <div id="yaml-faults" class="faults">
        {faults.map(({ line, column, message, language }) => (
          <p key={`${line} ${message}`} class="problem">
            <button type="button" class="quiet" onClick={() => show(line, column)}>
              {t.line(line, column)}
            </button>{" "}
            <span lang={language}>{message}</span>
          </p>
        ))}
      </div>
      <p class="note" id="yaml-help">
        {t.yamlHelp}
      </p>
    </section>
  );
}
