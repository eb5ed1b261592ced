import { lacking } from "../access/lacking";
import { runScript, switchScript } from "../api/scripts";
import { isStopping, stop } from "../live/stopping";
import type { ScriptRow } from "../live/store";
import { announce } from "../shell/announce";
import { useAction } from "../shell/action";
import { words } from "./words";

/** What can be done to a script. */
export function Actions({ row: { name, enabled, runs } }: { row: ScriptRow }) {
  const t = words();
  const title = lacking("operate");
  const can = title === undefined;
  const run = useAction(async () => {
    await runScript(name);
    announce(t.started(name));
  });
  const stopping = useAction(async () => {
    await stop(name);
    announce(t.stopping(name));
  });
  const change = useAction((wanted: boolean) => switchScript(name, wanted));
  return (
    <>
      <input
        type="checkbox"
        role="switch"
        aria-label={t.enabledOf(name)}
        checked={enabled}
        disabled={change.busy || !can}
        title={title}
        onClick={(event) => {
          event.preventDefault(); // it shows what the service says, not what was wished for
          void change.go(!enabled);
        }}
      />
      <button type="button" aria-label={t.runOf(name)} disabled={run.busy || !can} title={title} onClick={() => run.go()}>
        {t.run}
      </button>
      <button
        type="button"
        aria-label={t.stopOf(name)}
        disabled={stopping.busy || !runs.length || isStopping(runs) || !can}
        title={title}
        onClick={() => stopping.go()}
      >
        {t.stop}
      </button>
    </>
  );
}
