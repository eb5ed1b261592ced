import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import "./shell.css";
import { Denied } from "../access/Denied";
import { Over } from "../access/Over";
import { may, needOf, refused } from "../access/session";
import { isLive, paused, state } from "../live/live";
import { problems } from "../live/service";
import { Overview } from "../overview/Overview";
import { address, go, type Route, route, step } from "../route";
import { translated } from "../text/language";
import { later } from "../ui/later";
import { useCommands } from "./commands";
import { Header } from "./Header";
import { Help } from "./Help";
import { Messages } from "./Messages";
import { Notice } from "./Notice";
import { open } from "./opened";
import { Palette } from "./Palette";
import { arrive } from "./places";
import { Since } from "./Since";

const words = translated({
  en: {
    overview: "Go to the overview",
    timeline: "Go to the timeline",
    runs: "Go to all runs",
    files: "Go to the files",
    config: "Go to the configuration",
    audit: "Go to the audit trail",
    create: "New script",
    help: "Show the keyboard shortcuts",
    pause: "Pause or resume live updates",
    unknown: "There is no such place in this page.",
    back: "To the overview",
  },
  "zh-Hant": {
    overview: "前往總覽",
    timeline: "前往時間軸",
    runs: "前往所有執行紀錄",
    files: "前往檔案",
    config: "前往設定檔",
    audit: "前往稽核紀錄",
    create: "新增指令稿",
    help: "顯示鍵盤快速鍵",
    pause: "暫停或恢復即時更新",
    unknown: "此頁面中沒有這個位置。",
    back: "前往總覽",
  },
});

const Timeline = later(() => import("../timeline/Timeline").then((module) => module.Timeline));
const Runs = later(() => import("../runs/Runs").then((module) => module.Runs));
const ScriptPage = later(() => import("../script/ScriptPage").then((module) => module.ScriptPage));
const NewScript = later(() => import("../settings/NewScript").then((module) => module.NewScript));
const Files = later(() => import("../editor/Files").then((module) => module.Files));
const Audit = later(() => import("../audit/Audit").then((module) => module.Audit));
const Configuration = later(() => import("../editor/Configuration").then((module) => module.Configuration));

export function Page() {
  const t = words();
  const { problem } = state.value;
  const main = useFocusOnArrival();
  const looks = refused.value === null && may("view");
  useCommands(
    () => !looks ? [] : [
      { title: t.overview, keys: "g o", run: () => go({ page: "overview" }) },
      { title: t.timeline, keys: "g t", run: () => go({ page: "timeline" }) },
      { title: t.runs, keys: "g r", run: () => go({ page: "runs" }) },
      { title: t.files, keys: "g f", run: () => go({ page: "files" }) },
      ...(may("edit")
        ? [
            { title: t.config, keys: "g c", run: () => go({ page: "config" }) },
            { title: t.audit, keys: "g a", run: () => go({ page: "audit" }) },
            { title: t.create, keys: "n", run: () => go({ page: "new" }) },
          ]
        : []),
      { title: t.pause, keys: "p", run: () => (paused.value = !paused.value) },
      { title: t.help, keys: "?", run: () => open("help") },
    ],
    [t, looks, may("edit")],
  );
  return (
    <>
      <Header looks={looks} />
      <Over />
      <main id="content" ref={main} tabIndex={-1} class={!looks || (isLive.value && !paused.value) ? "" : "stale"}>
        {problem && !problems.value.includes(problem.message) && <Notice message={problem.message} at={problem.at} />}
        {problems.value.map((message) => (
          <Notice key={message} message={message} />
        ))}
        <Arrival key={step.value} />
        <Content route={route.value} />
      </main>
      <Messages />
      <Palette />
      <Help />
    </>
  );
}

function Content({ route }: { route: Route }) {
  const need = needOf(route);
  if (refused.value !== null) return <Denied need={need} why={refused.value} />;
  if (!may("view") || (route.page !== "script" && !may(need))) return <Denied need={need} />;
  switch (route.page) {
    case "overview":
      return (
        <>
          <Since />
          <Overview />
        </>
      );
    case "timeline":
      return <Timeline />;
    case "runs":
      return <Runs route={route} />;
    case "script":
      return <ScriptPage key={route.name} route={route} />;
    case "new":
      return <NewScript />;
    case "files":
      return <Files path={route.path ?? null} versions={route.versions ?? false} />;
    case "config":
      return <Configuration />;
    case "audit":
      return <Audit route={route} />;
    case "unknown":
      return (
        <section class="card">
          <h1>{words().unknown}</h1>
          <a href={address({ page: "overview" })}>{words().back}</a>
        </section>
      );
  }
}

/** A place is seen from its top on, or from where it was left, unless it knows better: this comes before what that does. */
function Arrival() {
  useLayoutEffect(arrive, []);
  return null;
}

/** On arriving at another place, a screen reader is to read that, and Tab is to go on from there. */
function useFocusOnArrival() {
  const ref = useRef<HTMLElement>(null);
  const { page } = route.value;
  const before = useRef(page);
  useEffect(() => {
    if (before.current !== page && !ref.current?.contains(document.activeElement)) ref.current?.focus({ preventScroll: true });
    before.current = page;
  }, [page]);
  return ref;
}
