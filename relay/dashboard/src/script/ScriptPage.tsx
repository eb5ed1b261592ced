import "./script.css";
import { runScript, stopScript } from "../api/scripts";
import { state } from "../live/live";
import type { ScriptRow } from "../live/store";
import { address, go, type Route, route, TABS, type Tab } from "../route";
import { alarm, said } from "../shell/announce";
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
  const t = words();
  const { rows } = state.value;
  const row = rows?.get(here.name);
  if (!rows) return null;
  if (!row) {
    return (
      <section class="card">
        <p>{t.gone(here.name)}</p>
        <a href={address({ page: "overview" })}>{t.back}</a>
      </section>
    );
  }
  return (
    <>
      <Head row={row} brief={here.tab !== "runs"} />
      <Tabs name={row.name} here={here.tab} />
      <Content tab={here.tab} row={row} route={here} />
    </>
  );
}

/** The script's views. They are places with addresses of their own, so these are links. */
function Tabs({ name, here }: { name: string; here: Tab }) {
  const t = words();
  const look = (tab: Tab) => go({ page: "script", name, tab });
  const step = (by: number) => look(TABS[(TABS.indexOf(tabNow()) + by + TABS.length) % TABS.length]!);
  const call = (ask: (name: string) => Promise<unknown>) => () => ask(name).catch((error) => alarm(said(error)));
  useCommands(
    () => [
      { title: t.keys.run, keys: "r", run: call(runScript) },
      { title: t.keys.stop, keys: "s", run: call(stopScript) },
      { title: t.keys.edit, keys: "e", run: () => look("code") },
      { title: t.keys.output, keys: "l", run: () => look("output") },
      { title: t.keys.next, keys: "]", repeats: true, run: () => step(1) },
      { title: t.keys.previous, keys: "[", repeats: true, run: () => step(-1) },
      ...TABS.map((tab, index) => ({ title: t.tabs[tab], keys: String(index + 1), run: () => look(tab) })),
    ],
    [t, name],
  );
  return (
    <Strip class="tabs" label={t.views(name)}>
      {TABS.map((tab) => (
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
