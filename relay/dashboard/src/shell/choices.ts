/** What the palette offers: the commands of the page, the scripts, and what can be done to those that are looked for. */
import { may } from "../access/session";
import { runScript } from "../api/scripts";
import { stop } from "../live/stopping";
import type { ScriptRow } from "../live/store";
import { go } from "../route";
import { translated } from "../text/language";
import { alarm, announce, said } from "./announce";
import type { Command } from "./commands";
import { found } from "./matching";

const words = translated({
  en: {
    run: (name: string) => `Run ${name}`,
    stop: (name: string) => `Stop ${name}`,
    output: (name: string) => `Output of ${name}`,
    started: (name: string) => `${name} was started.`,
    stopping: (name: string) => `${name} is being stopped.`,
  },
  "zh-Hant": {
    run: (name: string) => `執行 ${name}`,
    stop: (name: string) => `停止 ${name}`,
    output: (name: string) => `${name} 的輸出`,
    started: (name: string) => `已啟動 ${name}。`,
    stopping: (name: string) => `正在停止 ${name}。`,
  },
});

/** Those that `text` finds, best first; what only moves comes last. */
export function choices(commands: readonly Command[], rows: Iterable<ScriptRow>, text: string): Command[] {
  const listed = commands.filter(({ quiet }) => !quiet);
  const scripts = [...rows];
  const all = [
    ...listed.filter(({ repeats }) => !repeats),
    ...scripts.map(place),
    ...(text.trim() ? scripts.flatMap(deeds) : []),
    ...listed.filter(({ repeats }) => repeats),
  ];
  return found(all, text, (each) => `${each.title} ${each.also ?? ""}`);
}

function place({ name, description }: ScriptRow): Command {
  return { title: name, also: description, run: () => go({ page: "script", name, tab: "runs" }) };
}

function deeds({ name, runs }: ScriptRow): Command[] {
  const t = words();
  const ask = (call: (name: string) => Promise<unknown>, done: string) => () =>
    void call(name).then(() => announce(done), (error: unknown) => alarm(said(error)));
  const operates = may("operate");
  return [
    ...(operates ? [{ title: t.run(name), run: ask(runScript, t.started(name)) }] : []),
    ...(operates && runs.length ? [{ title: t.stop(name), run: ask(stop, t.stopping(name)) }] : []),
    { title: t.output(name), run: () => go({ page: "script", name, tab: "output" }) },
  ];
}
