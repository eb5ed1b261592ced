import { useState } from "preact/hooks";
import { runScript, stopScript } from "../api";

/** The buttons of a script, and in words what became of a press that did not succeed. */
export function Actions({ name, running }: { name: string; running: boolean }) {
  const [busy, setBusy] = useState<"run" | "stop" | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  async function ask(what: "run" | "stop", call: (name: string) => Promise<void>) {
    setBusy(what);
    setProblem(null);
    try {
      await call(name);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(null);
  }

  return (
    <>
      <div class="actions" role="cell">
        <button
          type="button"
          aria-label={`Run ${name}`}
          disabled={busy === "run"}
          onClick={() => ask("run", runScript)}
        >
          Run
        </button>
        <button
          type="button"
          aria-label={`Stop ${name}`}
          disabled={busy === "stop" || !running}
          onClick={() => ask("stop", stopScript)}
        >
          Stop
        </button>
      </div>
      {problem !== null && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}
