import { may, needOf } from "../access/session";
import { asOf, connection, online, paused, retry } from "../live/live";
import { grafana } from "../live/service";
import { address, type Route, route } from "../route";
import { translated } from "../text/language";
import { Strip } from "../ui/Strip";
import { ConnectionSign } from "./ConnectionSign";
import { Menu } from "./Menu";
import { open } from "./opened";

const words = translated({
  en: {
    skip: "Skip to content",
    pages: "Pages",
    overview: "Overview",
    timeline: "Timeline",
    runs: "Runs",
    files: "Files",
    config: "Configuration",
    audit: "Audit",
    pause: "Pause live updates",
    resume: "Resume live updates",
    palette: "Find or do… (Ctrl+K)",
  },
  "zh-Hant": {
    skip: "跳至內容",
    pages: "頁面",
    overview: "總覽",
    timeline: "時間軸",
    runs: "執行紀錄",
    files: "檔案",
    config: "設定檔",
    audit: "稽核",
    pause: "暫停即時更新",
    resume: "恢復即時更新",
    palette: "尋找或執行…（Ctrl+K）",
  },
});

const PAGES = ["overview", "timeline", "runs", "files", "config", "audit"] as const;

/** `looks`: the reader may see what the page shows; else there is nothing to go to, or to pause. */
export function Header({ looks }: { looks: boolean }) {
  const t = words();
  return (
    <header>
      <a class="skip" href="#content" onClick={toContent}>
        {t.skip}
      </a>
      <a class="brand" href={address({ page: "overview" })}>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <circle cx="16" cy="16" r="13" />
          <path d="M16 8v8l5 4" />
        </svg>
        Cronscope
      </a>
      {looks && <Pages />}
      <div class="tools">
        {looks && <Tools />}
        <Menu />
      </div>
    </header>
  );
}

function Pages() {
  const t = words();
  const here = route.value.page;
  const dashboards = grafana("cronscope-overview");
  return (
    <Strip class="pages" label={t.pages}>
      {PAGES.filter((page) => may(needOf({ page }))).map((page) => (
        <a key={page} href={address({ page })} aria-current={isAt(here, page) ? "page" : undefined}>
          {t[page]}
        </a>
      ))}
      {dashboards && (
        <a href={dashboards} rel="noreferrer">
          Grafana ↗
        </a>
      )}
    </Strip>
  );
}

function Tools() {
  const t = words();
  return (
    <>
      <ConnectionSign
        connection={connection.value}
        online={online.value}
        paused={paused.value}
        heardAt={asOf.value}
        onRetry={retry}
      />
      <button
        type="button"
        class="icon"
        aria-pressed={paused.value}
        aria-label={paused.value ? t.resume : t.pause}
        title={paused.value ? t.resume : t.pause}
        onClick={() => (paused.value = !paused.value)}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d={paused.value ? "M4 2.5v11l9-5.5Z" : "M4 3h3v10H4Zm5 0h3v10H9Z"} />
        </svg>
      </button>
      <button type="button" class="icon" aria-label={t.palette} title={t.palette} onClick={() => open("palette")}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M7 2a5 5 0 1 0 3 9l3.3 3.3 1-1L11 10a5 5 0 0 0-4-8Zm0 1.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7Z" />
        </svg>
      </button>
    </>
  );
}

function isAt(here: Route["page"], page: (typeof PAGES)[number]): boolean {
  return here === page || (page === "overview" && (here === "script" || here === "new"));
}

/** The address says where in the page the reader is, so an ordinary link cannot lead there. */
function toContent(event: Event): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}
