import { useEffect, useRef, useState } from "preact/hooks";
import { Account } from "../access/Account";
import { chosenLanguage, type Language, LANGUAGES, language, translated } from "../text/language";
import { shortcuts } from "./commands";
import { askToNotify, canNotify, notifying } from "./notifications";
import { open as openWindow } from "./opened";
import { THEMES, theme } from "./theme";

const words = translated({
  en: {
    menu: "Settings of this page",
    language: "Language",
    theme: "Theme",
    system: "As the system",
    light: "Light",
    dark: "Dark",
    shortcuts: "Keyboard shortcuts",
    notify: "Notify me when a script fails",
    help: "Help",
  },
  "zh-Hant": {
    menu: "頁面偏好設定",
    language: "語言",
    theme: "主題",
    system: "跟隨系統",
    light: "淺色",
    dark: "深色",
    shortcuts: "鍵盤快速鍵",
    notify: "指令稿失敗時通知我",
    help: "說明",
  },
});

/** How the page is to be for this reader. */
export function Menu() {
  const t = words();
  const [open, setOpen] = useState(false);
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const leave = (event: Event) => {
      const inside = event.target instanceof Node && ref.current?.contains(event.target);
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !inside) setOpen(false);
      if (event instanceof KeyboardEvent && event.key === "Escape") ref.current?.querySelector("button")?.focus();
    };
    addEventListener("pointerdown", leave);
    addEventListener("keydown", leave);
    return () => {
      removeEventListener("pointerdown", leave);
      removeEventListener("keydown", leave);
    };
  }, [open]);

  return (
    <div class="menu" ref={ref}>
      <button
        type="button"
        class="icon"
        aria-label={t.menu}
        title={t.menu}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M2 3h12v1.6H2Zm0 4.2h12v1.6H2Zm0 4.2h12V13H2Z" />
        </svg>
      </button>
      {open && (
        <div class="preferences" role="group" aria-label={t.menu}>
          <label>
            {t.language}
            <select
              value={language.value}
              onChange={(event) => (chosenLanguage.value = event.currentTarget.value as Language)}
            >
              {Object.entries(LANGUAGES).map(([tag, name]) => (
                <option key={tag} value={tag} lang={tag}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label>
            {t.theme}
            <select
              value={theme.value}
              onChange={(event) => (theme.value = event.currentTarget.value as (typeof THEMES)[number])}
            >
              {THEMES.map((each) => (
                <option key={each} value={each}>
                  {t[each]}
                </option>
              ))}
            </select>
          </label>
          <label class="check">
            <input
              type="checkbox"
              checked={shortcuts.value}
              onChange={(event) => (shortcuts.value = event.currentTarget.checked)}
            />
            {t.shortcuts}
          </label>
          {canNotify() && (
            <label class="check">
              <input
                type="checkbox"
                checked={notifying.value}
                onChange={(event) => void askToNotify(event.currentTarget.checked)}
              />
              {t.notify}
            </label>
          )}
          <Account />
          <button
            type="button"
            onClick={() => {
              setOpen(false);
              openWindow("help");
            }}
          >
            {t.help}
          </button>
        </div>
      )}
    </div>
  );
}
