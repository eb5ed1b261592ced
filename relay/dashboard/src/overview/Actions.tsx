import { may } from "../access/session";
import { words as accessWords } from "../access/words";
import { runScript, stopScript, switchScript } from "../api/scripts";
import { announce } from "../shell/announce";
import { useAction } from "../shell/action";
import { words } from "./words";

/** What can be done to a script. */
export function Actions({ name, enabled, running }: { name: string; enabled: boolean; running: boolean }) {
  const t = words();
  const can = may("operate");
  const title = can ? undefined : accessWords().needs.operate;
  const run = useAction(async () => {
    await runScript(name);
    announce(t.started(name));
  });
  const stop = useAction(async () => {
    await stopScript(name);
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
      <button type="button" aria-label={t.stopOf(name)} disabled={stop.busy || !running || !can} title={title} onClick={() => stop.go()}>
        {t.stop}
      </button>
    </>
  );
}
