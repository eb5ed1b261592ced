import type { ComponentChildren } from "preact";
import { Keys } from "../ui/Keys";
import { words } from "./words";

/** What is drawn, and what it stands for. */
export function Legend() {
  const t = words();
  const items: [string, ComponentChildren, string][] = [
    ["good", <rect x="1" y="4" width="18" height="10" rx="3" />, t.completed],
    ["bad", <><rect x="1" y="2" width="18" height="10" rx="3" /><rect x="1" y="14" width="18" height="3" /></>, t.failed],
    ["warning", <><rect x="1" y="2" width="18" height="10" rx="3" /><rect x="1" y="14" width="18" height="3" /></>, t.stopped],
    ["active", <><rect x="1" y="4" width="16" height="10" opacity="0.35" /><rect x="1" y="4" width="3" height="10" /><rect x="16" y="3" width="2" height="12" /></>, t.running],
    ["warning", <><rect x="1" y="4" width="18" height="13" opacity="0.22" /><rect x="1" y="2" width="18" height="2" /></>, t.overlap],
    ["warning", <path d="m10 2 6 7-6 7-6-7Z" />, t.skipped],
    ["warning", <path d="m6 5 8 8m0-8-8 8" class="stroke" />, t.missed],
    ["idle", <rect x="8" y="3" width="5" height="12" rx="2" class="stroke dashed" />, t.planned],
  ];
  return (
    <div class="legend">
      <ul class="bar-of" aria-label={t.legend}>
        {items.map(([sign, shape, text]) => (
          <li key={text}>
            <svg viewBox="0 0 20 18" class={sign} aria-hidden="true">
              {shape}
            </svg>
            {text}
          </li>
        ))}
      </ul>
      <p class="note for-mouse">{t.byMouse}</p>
      <p class="note for-touch">{t.byTouch}</p>
      <dl class="note for-mouse" aria-label={t.byKeys}>
        {t.keysHelp.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <Keys keys={keys} />
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
