import { state } from "../live/live";
import { address, type Route, TABS, type Tab } from "../route";
import { translated } from "../text/language";
import { later } from "../ui/later";
import { RunsTab } from "./RunsTab";
import type { ScriptRow } from "../live/store";

const words = translated({
  en: {
    tabs: { runs: "Runs", output: "Output", code: "Code", settings: "Settings", versions: "Versions" },
    views: (name: string) => `Views of ${name}`,
    gone: (name: string) => `There is no script named ${name}.`,
    back: "To the overview",
  },
  "zh-Hant": {
    tabs: { runs: "執行紀錄", output: "輸出", code: "程式碼", settings: "設定", versions: "版本" },
    views: (name: string) => `${name} 的檢視`,
    gone: (name: string) => `沒有名為 ${name} 的指令稿。`,
    back: "前往總覽",
  },
});

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

export function ScriptPage({ route }: { route: ScriptRoute }) {
  const t = words();
  const { rows } = state.value;
  const row = rows?.get(route.name);
  if (!rows) return null;
  if (!row) {
    return (
      <section class="card">
        <p>{t.gone(route.name)}</p>
        <a href={address({ page: "overview" })}>{t.back}</a>
      </section>
    );
  }
  return (
    <>
      <h1>{row.name}</h1>
      <nav role="tablist" aria-label={t.views(row.name)}>
        {TABS.map((tab) => (
          <a
            key={tab}
            role="tab"
            id={`tab-${tab}`}
            href={address({ page: "script", name: row.name, tab })}
            aria-selected={tab === route.tab}
            aria-controls="tab"
          >
            {t.tabs[tab]}
          </a>
        ))}
      </nav>
      <div id="tab" role="tabpanel" aria-labelledby={`tab-${route.tab}`}>
        <Content tab={route.tab} row={row} route={route} />
      </div>
    </>
  );
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
