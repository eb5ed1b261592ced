import { useId, useMemo, useState } from "preact/hooks";
import { state } from "../live/live";
import { translated } from "../text/language";
import { Dialog } from "../ui/Dialog";
import { Keys } from "../ui/Keys";
import { choices } from "./choices";
import { type Command, commands } from "./commands";
import { close, opened } from "./opened";

const words = translated({
  en: { title: "Find or do", label: "A script, or what to do", nothing: "Nothing is called like this." },
  "zh-Hant": { title: "尋找或執行", label: "指令稿或操作", nothing: "沒有符合的項目。" },
});

/** More of them nobody reads. */
const MOST = 50;

/** Everything that can be done here, and every script, by a few letters. */
export function Palette() {
  return opened.value === "palette" ? <Window onClose={close} /> : null;
}

function Window({ onClose }: { onClose(): void }) {
  const t = words();
  const list = useId();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const shown = useMemo(() => choices(commands(), state.peek().rows?.values() ?? [], text).slice(0, MOST), [text]);

  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && shown.length) {
      event.preventDefault();
      const next = (chosen + step + shown.length) % shown.length;
      setChosen(next);
      document.getElementById(`${list}-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      run(shown[chosen]);
    }
  }

  function run(command: Command | undefined) {
    if (!command) return;
    onClose();
    command.run();
  }

  return (
    <Dialog title={t.title} untitled class="palette" onClose={onClose}>
      <input
        type="text"
        role="combobox"
        autoFocus
        aria-label={t.label}
        placeholder={t.label}
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={shown.length ? `${list}-${chosen}` : undefined}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id={list} role="listbox" aria-label={t.title}>
        {shown.map((command, index) => (
          <div
            key={index}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === chosen}
            onPointerMove={() => setChosen(index)}
            onClick={() => run(command)}
          >
            {command.title}
            {command.keys && <Keys keys={command.keys} />}
          </div>
        ))}
      </div>
      {!shown.length && <p class="note">{t.nothing}</p>}
    </Dialog>
  );
}
