import { translated } from "../text/language";
import { Dialog } from "../ui/Dialog";
import { Keys } from "../ui/Keys";
import { commands, shortcuts } from "./commands";
import { close, opened } from "./opened";

const words = translated({
  en: {
    title: "Keyboard shortcuts",
    off: "They are switched off; the menu of this page switches them on.",
    palette: "Find a script, or anything that can be done",
    close: "Close",
  },
  "zh-Hant": {
    title: "鍵盤快速鍵",
    off: "快速鍵已關閉，可在頁面選單中開啟。",
    palette: "尋找指令稿或任何操作",
    close: "關閉",
  },
});

/** The keys that do something at this place. */
export function Help() {
  if (opened.value !== "help") return null;
  const t = words();
  const seen = new Set<string>();
  const listed = commands().filter(({ keys, quiet }) => {
    if (!keys || quiet || seen.has(keys)) return false;
    seen.add(keys);
    return true;
  });
  return (
    <Dialog title={t.title} untitled class="help" onClose={close}>
      <div class="bar-of spread">
        <h2>{t.title}</h2>
        <button type="button" onClick={close}>
          {t.close}
        </button>
      </div>
      {!shortcuts.value && <p>{t.off}</p>}
      <dl class="keys">
        <Key keys="Ctrl+K" title={t.palette} />
        {listed.map(({ keys, title }) => (
          <Key key={keys} keys={keys!} title={title} />
        ))}
      </dl>
    </Dialog>
  );
}

function Key({ keys, title }: { keys: string; title: string }) {
  return (
    <div>
      <dt>
        <Keys keys={keys} />
      </dt>
      <dd>{title}</dd>
    </div>
  );
}
