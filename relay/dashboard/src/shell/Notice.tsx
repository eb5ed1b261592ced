import { useState } from "preact/hooks";
import type { Problem } from "../live/store";
import { clockTime } from "../text/format";
import { translated } from "../text/language";

const words = translated({ en: { dismiss: "Dismiss" }, "zh-Hant": { dismiss: "關閉" } });

/** What went wrong in the service at large, until the reader has seen it. */
export function Notice({ problem }: { problem: Problem }) {
  const [seen, setSeen] = useState<Problem | null>(null);
  if (seen === problem) return null;
  return (
    <div class="notice">
      <p class="problem">
        {clockTime(problem.at)} {problem.message}
      </p>
      <button type="button" onClick={() => setSeen(problem)}>
        {words().dismiss}
      </button>
    </div>
  );
}
