/**
 * Where in the page the reader is, kept in the address behind `#`: so it works under any path, and every place
 * can be linked to, reloaded and gone back to.
 */
import { batch, computed, signal } from "@preact/signals";
import type { AuditFilter } from "./api/audit";
import { query as queryOf } from "./api/client";
import type { RunFilter } from "./api/runs";
import { auditFilterOf } from "./audit/filter";
import { filterOf, filterQuery } from "./runs/filter";

export const TABS = ["runs", "output", "code", "settings", "versions"] as const;
export type Tab = (typeof TABS)[number];

export type Route =
  /** `query` is for the page to read. */
  | { page: "overview" | "timeline"; query?: string }
  /** Runs of every script. */
  | { page: "runs"; filter?: RunFilter }
  /**
   * In tab `output`, `run` is the one looked at (else the latest) and `line` the number of a line in it, from 0, in the
   * address from 1; in tab `runs`, `filter` is which to list.
   */
  | { page: "script"; name: string; tab: Tab; run?: string; line?: number; filter?: RunFilter }
  | { page: "new" }
  /** A file under `scripts_dir`, or its versions; else the list of all. */
  | { page: "files"; path?: string; versions?: true }
  | { page: "config" }
  | { page: "audit"; filter?: AuditFilter }
  | { page: "unknown"; address: string };

/** The route of an address, with or without its `#`. */
export function parse(address: string): Route {
  const text = address.replace(/^#/, "");
  const [path = "", query = ""] = text.split("?", 2);
  const unknown: Route = { page: "unknown", address: text };
  let parts: string[];
  try {
    parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  } catch {
    return unknown;
  }
  const [page = "overview", first, second, third, ...more] = parts;
  if (page === "files" && first === undefined) return { page };
  if (page === "files") {
    return { page, path: parts.slice(1).join("/"), ...(query === "versions" ? { versions: true } : {}) };
  }
  if (more.length) return unknown;
  if (page === "scripts" && first !== undefined) return script(first, second ?? "runs", third, query) ?? unknown;
  if (first !== undefined) return unknown;
  switch (page) {
    case "overview":
    case "timeline":
      return query ? { page, query } : { page };
    case "new":
    case "config":
      return { page };
    case "runs":
      return { page, ...filtered(filterOf(query)) };
    case "audit":
      return { page, ...filtered(auditFilterOf(query)) };
    default:
      return unknown;
  }
}

function script(name: string, tab: string, run: string | undefined, query: string): Route | null {
  if (!isTab(tab) || (run !== undefined && tab !== "output")) return null;
  if (tab === "runs") {
    const { script: _, ...filter } = filterOf(query);
    return { page: "script", name, tab, ...filtered(filter) };
  }
  const line = new URLSearchParams(query).get("line");
  return {
    page: "script", name, tab,
    ...(run === undefined ? {} : { run }),
    ...(line !== null && /^[1-9]\d{0,8}$/.test(line) ? { line: Number(line) - 1 } : {}),
  };
}

/** As part of a route, which has none where all are listed. */
export function filtered<F extends RunFilter | AuditFilter>(filter: F): { filter?: F } {
  return Object.keys(filter).length ? { filter } : {};
}

function isTab(text: string): text is Tab {
  return (TABS as readonly string[]).includes(text);
}

/** The address of a route, to be put into `href`. */
export function address(route: Route): string {
  switch (route.page) {
    case "overview":
    case "timeline":
      return `#/${route.page === "timeline" ? "timeline" : ""}${route.query ? `?${route.query}` : ""}`;
    case "files": {
      const parts = ["#/files", ...(route.path ?? "").split("/").filter(Boolean).map(encodeURIComponent)];
      return parts.join("/") + (route.versions ? "?versions" : "");
    }
    case "script": {
      const parts = ["#/scripts", encodeURIComponent(route.name)];
      if (route.tab !== "runs" || route.run !== undefined) parts.push(route.tab);
      if (route.run !== undefined) parts.push(encodeURIComponent(route.run));
      return parts.join("/") + (route.line === undefined ? filterQuery(route.filter ?? {}) : `?line=${route.line + 1}`);
    }
    case "runs":
      return `#/runs${filterQuery(route.filter ?? {})}`;
    case "audit":
      return `#/audit${queryOf({ ...route.filter })}`;
    case "unknown":
      return `#${route.address}`;
    default:
      return `#/${route.page}`;
  }
}

/** What keeps the reader from leaving by accident. */
interface Guard {
  /** Null where nothing would be lost, else the question to ask. */
  question(): string | null;
  /** Whether it is there again for who comes back, nevertheless. */
  isKept(): boolean;
}

const guards = new Set<Guard>();

/** Ask before the reader leaves this place, and before the tab is closed, until the returned function is called. */
export function guardLeaving(question: Guard["question"], isKept: Guard["isKept"] = () => false): () => void {
  const guard = { question, isKept };
  guards.add(guard);
  return () => guards.delete(guard);
}

/** How the reader leaves the page: to come back to what is kept, or having agreed to lose what is unsaved. */
let leaving: "for a while" | "for good" | null = null;

/** Leave the page for another address; asked is what is still to be asked. */
export function leave(how: "for a while" | "for good", to: string): void {
  leaving = how;
  location.assign(to);
}

const hash = signal(location.hash);

export const route = computed(() => parse(hash.value));

/** Which step of the browser's history the reader is at: the same again after going back, and after a reload. */
export const step = signal(stepHere());

function stepHere(): number {
  const state: unknown = history.state;
  if (typeof state === "number") return state;
  const fresh = Math.random();
  history.replaceState(fresh, "");
  return fresh;
}

export function go(to: Route): void {
  location.hash = address(to);
}

/** The same place, said more exactly: it does not become a step to go back to. */
export function replace(to: Route): void {
  if (location.hash !== hash.value) return; // the reader is leaving it: the browser tells of that a moment later
  history.replaceState(step.value, "", address(to));
  hash.value = location.hash;
}

addEventListener("hashchange", () => {
  if (location.hash === hash.value) return; // the reader stayed, below
  const question = objection();
  if (question !== null && !confirm(question)) {
    history.pushState(step.value, "", hash.value || "#/");
    hash.value = location.hash;
  } else {
    batch(() => {
      hash.value = location.hash;
      step.value = stepHere();
    });
  }
});

// A link to where the reader is already makes no step, but the browser forgets what was noted of this one.
addEventListener("popstate", () => location.hash === hash.value && history.replaceState(step.value, ""));

addEventListener("beforeunload", (event) => {
  const isAgreed = leaving === "for good" || (leaving === "for a while" && isAllKept());
  leaving = null; // the reader may stay
  if (!isAgreed && objection() !== null) event.preventDefault(); // the browser asks in its own words
});

/** The question to ask where something is unsaved here. */
export function objection(): string | null {
  for (const guard of guards) {
    const question = guard.question();
    if (question !== null) return question;
  }
  return null;
}

function isAllKept(): boolean {
  return [...guards].every((guard) => guard.question() === null || guard.isKept());
}
