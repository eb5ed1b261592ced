import { useState } from "preact/hooks";
import { clockTime } from "../text/format";
import { translated } from "../text/language";

const words = translated({ en: { dismiss: "Dismiss" }, "zh-Hant": { dismiss: "關閉" } });

/** What went wrong in the service at large, until the reader has seen it; `at`, where it is known when. */
export function Notice({ message, at }: { message: string; at?: number }) {
  const told = at === undefined ? message : `${clockTime(at)} ${message}`;
  const [seen, setSeen] = useState<string | null>(null);
  if (seen === told) return null;
  return (
    <div class="notice">
      <p class="problem">{told}</p>
      <button type="button" onClick={() => setSeen(told)}>
        {words().dismiss}
      </button>
    </div>
  );
}
