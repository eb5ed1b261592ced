import "./script.css";
import { useMemo, useRef } from "preact/hooks";
import { Denied } from "../access/Denied";
import { may, needOf, session } from "../access/session";
import { runScript } from "../api/scripts";
import { state } from "../live/live";
import { stop } from "../live/stopping";
import type { ScriptRow } from "../live/store";
import { address, go, type Route, route, TABS, type Tab } from "../route";
import { RunList } from "../runs/RunList";
import { words as runWords } from "../runs/words";
import { complain } from "../shell/announce";
import { useCommands } from "../shell/commands";
import { later } from "../ui/later";
import { Strip } from "../ui/Strip";
import { Head } from "./Head";
import { RunsTab } from "./RunsTab";
import { words } from "./words";

type ScriptRoute = Extract<Route, { page: "script" }>;

/** What each tab is given. */
export interface TabProps {
  row: ScriptRow;
  route: ScriptRoute;
}

const OutputTab = later<TabProps>(() => import("../output/OutputTab").then((module) => module.OutputTab));
const CodeTab = later<TabProps>(() => import("../editor/CodeTab").then((module) => module.CodeTab));
const SettingsTab = later<TabProps>(() => import("../settings/SettingsTab").then((module) => module.SettingsTab));
const VersionsTab = later<TabProps>(() => import("../editor/VersionsTab").then((module) => module.VersionsTab));

export function ScriptPage({ route: here }: { route: ScriptRoute }) {
  const { rows } = state.value;
  const row = rows?.get(here.name);
  const seen = useRef(false);
  seen.current ||= row !== undefined;
  if (!rows) return null;
  if (!row) return <Gone route={here} removed={seen.current} />;
  return (
    <>
      <Head row={row} brief={here.tab !== "runs"} />
      <Tabs name={row.name} here={here.tab} />
      {may(needOf(here)) ? <Content tab={here.tab} row={row} route={here} /> : <Denied need={needOf(here)} />}
    </>
  );
}

interface GoneProps {
  route: ScriptRoute;
  /** It was there before. */
  removed: boolean;
}

/** What is left of a script that is not configured, if it ever was: its runs. */
function Gone({ route: { name, run, ...route }, removed }: GoneProps) {
  const t = words();
  const row = useMemo(() => withoutEntry(name), [name]);
  return (
    <>
      <section class="card gone">
        <h1>{removed ? t.removed(name) : t.unknown(name)}</h1>
        <p>{removed ? t.left : t.perhapsLeft}</p>
        <div class="bar-of">
          <a class="button main" href={address({ page: "overview" })}>
            {t.back}
          </a>
          {run !== undefined && (
            <a class="button" href={address({ page: "script", name, tab: "runs" })}>
              {t.itsRuns}
            </a>
          )}
        </div>
      </section>
      {run !== undefined ? (
        <OutputTab row={row} route={{ ...route, name, run }} />
      ) : (
        <RunList filter={{ script: name }} label={runWords().runsOf(name)} several={false} none={t.noneLeft} onForget={null} />
      )}
    </>
  );
}

/** As far as its runs need it. */
function withoutEntry(name: string): ScriptRow {
  return {
    name, description: "", enabled: false, schedule: { kind: "manual", value: null, timezone: "UTC", description: "" },
    runs: [], result: null, nextStart: null, problem: null, labels: {}, recent: null, past: 0,
    lastSuccess: null, withoutSuccessSince: null, successAgeLimit: null, overlap: "skip", progress: new Map(),
  };
}

/** The script's views. They are places with addresses of their own, so these are links. */
function Tabs({ name, here }: { name: string; here: Tab }) {
  const t = words();
  const tabs = TABS.filter((tab) => may(needOf({ page: "script", name, tab })));
  const look = (tab: Tab) => go({ page: "script", name, tab });
  const step = (by: number) => look(tabs[(tabs.indexOf(tabNow()) + by + tabs.length) % tabs.length]!);
  const call = (ask: (name: string) => Promise<unknown>) => () => ask(name).catch(complain);
  useCommands(
    () => [
      ...(may("operate")
        ? [
            { title: t.keys.run, keys: "r", run: call(runScript) },
            { title: t.keys.stop, keys: "s", run: call(stop) },
          ]
        : []),
      ...(may("edit") ? [{ title: t.keys.edit, keys: "e", run: () => look("code") }] : []),
      { title: t.keys.output, keys: "l", run: () => look("output") },
      { title: t.keys.next, keys: "]", repeats: true, run: () => step(1) },
      { title: t.keys.previous, keys: "[", repeats: true, run: () => step(-1) },
      ...tabs.map((tab, index) => ({ title: t.tabs[tab], keys: String(index + 1), run: () => look(tab) })),
    ],
    [t, name, session.value?.role],
  );
  return (
    <Strip class="tabs" label={t.views(name)}>
      {tabs.map((tab) => (
        <a key={tab} href={address({ page: "script", name, tab })} aria-current={tab === here ? "page" : undefined}>
          {t.tabs[tab]}
        </a>
      ))}
    </Strip>
  );
}

/** The one that the reader sees, though a key may follow another faster than the page is drawn. */
function tabNow(): Tab {
  return route.value.page === "script" ? route.value.tab : "runs";
}

function Content({ tab, ...props }: TabProps & { tab: Tab }) {
  switch (tab) {
    case "runs":
      return <RunsTab {...props} />;
    case "output":
      return <OutputTab {...props} />;
    case "code":
      return <CodeTab {...props} />;
    case "settings":
      return <SettingsTab {...props} />;
    case "versions":
      return <VersionsTab {...props} />;
  }
}
