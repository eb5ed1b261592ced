import { useState } from "preact/hooks";
import { clockTime } from "../format";
import type { Problem } from "../store";

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
        Dismiss
      </button>
    </div>
  );
}
