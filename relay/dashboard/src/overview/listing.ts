/** Which scripts the overview lists, and in which order. */
import { isFailing, isOverdue } from "../live/summary";
import type { ScriptRow } from "../live/store";

export const ORDERS = ["file", "state", "name", "next", "ended", "duration"] as const;
export type Order = (typeof ORDERS)[number];
export const SHOWS = ["all", "running", "failing", "overdue", "off"] as const;
export type Show = (typeof SHOWS)[number];

export interface Wish {
  readonly text: string;
  readonly show: Show;
  /** Labels as `name=value`, all of which a script has to have. */
  readonly labels: readonly string[];
  readonly order: Order;
}

export const NO_WISH: Wish = { text: "", show: "all", labels: [], order: "file" };

/** What of an address's query is a wish. */
export function wishOf(query: string): Wish {
  const given = new URLSearchParams(query);
  return {
    text: given.get("text") ?? NO_WISH.text,
    show: SHOWS.find((each) => each === given.get("show")) ?? NO_WISH.show,
    labels: given.getAll("label").filter((label) => label.includes("=")),
    order: ORDERS.find((each) => each === given.get("sort")) ?? NO_WISH.order,
  };
}

/** The query of an address; empty where nothing is wished for. */
export function wishQuery({ text, show, labels, order }: Wish): string {
  const query = new URLSearchParams(labels.map((label) => ["label", label]));
  if (text) query.set("text", text);
  if (show !== NO_WISH.show) query.set("show", show);
  if (order !== NO_WISH.order) query.set("sort", order);
  return query.toString();
}

/** The rows that fit, in the order that is wished for; equal ones in the order of the file. */
export function listed(rows: Iterable<ScriptRow>, wish: Wish, now: number): ScriptRow[] {
  const words = wish.text.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting: ScriptRow[] = [];
  for (const row of rows) {
    if (fits(row, wish.show, now) && hasLabels(row, wish.labels) && hasWords(row, words)) fitting.push(row);
  }
  const key = KEYS[wish.order];
  if (!key) return fitting;
  const keyed = fitting.map((row) => [key(row, now), row] as const);
  keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return keyed.map(([, row]) => row);
}

const KEYS: Record<Order, ((row: ScriptRow, now: number) => number | string) | null> = {
  file: null,
  name: (row) => row.name.toLowerCase(),
  state: rank,
  next: (row) => (row.enabled ? row.nextStart : null) ?? Infinity,
  ended: (row) => -(row.result?.endedAt ?? 0),
  duration: (row) => -(row.result?.duration ?? -1),
};

/** 0 is worst. */
function rank(row: ScriptRow, now: number): number {
  if (isFailing(row)) return 0;
  if (isOverdue(row, now)) return 1;
  if (row.runs.length) return 2;
  return row.enabled ? 3 : 4;
}

function fits(row: ScriptRow, show: Show, now: number): boolean {
  switch (show) {
    case "all":
      return true;
    case "running":
      return row.runs.length > 0;
    case "failing":
      return isFailing(row);
    case "overdue":
      return isOverdue(row, now);
    case "off":
      return !row.enabled;
  }
}

function hasLabels(row: ScriptRow, labels: readonly string[]): boolean {
  return labels.every((label) => labelsOf(row).includes(label));
}

function hasWords(row: ScriptRow, words: readonly string[]): boolean {
  if (!words.length) return true;
  const text = [row.name, row.description, ...labelsOf(row)].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** A script's labels as `name=value`. */
export function labelsOf(row: ScriptRow): string[] {
  return Object.entries(row.labels).map(([name, value]) => `${name}=${value}`);
}

/** Every label there is, those of most scripts first. */
export function allLabels(rows: Iterable<ScriptRow>): string[] {
  const counts = new Map<string, number>();
  for (const row of rows) for (const label of labelsOf(row)) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || a.localeCompare(b)).map(([label]) => label);
}

/**
 * `wanted` in the order that names had in `before`, new ones last: so that nothing moves under the pointer.
 *
 * What is no longer wanted stays while it is there: it may be what the reader is about to press.
 */
export function held(wanted: readonly ScriptRow[], before: readonly string[], rows: State): ScriptRow[] {
  const known = new Set(before);
  const stay = before.flatMap((name) => rows.get(name) ?? []);
  return [...stay, ...wanted.filter(({ name }) => !known.has(name))];
}

type State = ReadonlyMap<string, ScriptRow>;
