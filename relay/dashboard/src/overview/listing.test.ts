import { describe, expect, test } from "vitest";
import type { ScriptRow } from "../live/store";
import { allLabels, held, listed, NO_WISH, type Wish, wishOf, wishQuery } from "./listing";

const NOW = 1_000_000;

function row(name: string, changes: Partial<ScriptRow> = {}): ScriptRow {
  return {
    name, description: "", enabled: true, runs: [], result: null, nextStart: null, problem: null,
    schedule: { kind: "manual", value: null, timezone: "UTC", description: "" }, labels: {}, recent: null, past: 0,
    lastSuccess: null, successAgeLimit: null, overlap: "skip", withoutSuccessSince: null, progress: new Map(), ...changes,
  };
}

const failed = { status: "failed", reason: "exit_code", exitCode: 3, endedAt: 10, duration: 5 } as const;
const ROWS = [
  row("zeta", { description: "Nightly dump", nextStart: 30, result: { ...failed, status: "completed", endedAt: 50 } }),
  row("Beta", { labels: { team: "ops", tier: "1" }, result: failed, nextStart: 20 }),
  row("alpha", { enabled: false, nextStart: 10, labels: { team: "ops" } }),
  row("gamma", { runs: [{ id: "R", startedAt: 0 }], result: { ...failed, reason: "cancelled", duration: 9 } }),
  row("delta", { lastSuccess: 0, successAgeLimit: 1000 }),
];

const names = (wish: Partial<Wish>) => listed(ROWS, { ...NO_WISH, ...wish }, NOW).map(({ name }) => name);

test.each([
  ["file", ["zeta", "Beta", "alpha", "gamma", "delta"]],
  ["name", ["alpha", "Beta", "delta", "gamma", "zeta"]],
  ["state", ["Beta", "delta", "gamma", "zeta", "alpha"]],
  ["next", ["Beta", "zeta", "alpha", "gamma", "delta"]],
  ["ended", ["zeta", "Beta", "gamma", "alpha", "delta"]],
  ["duration", ["gamma", "zeta", "Beta", "alpha", "delta"]],
] as const)("by %s the scripts are in this order", (order, expected) => expect(names({ order })).toEqual(expected));

test.each([
  ["running", ["gamma"]],
  ["failing", ["Beta"]], // one that somebody stopped is not failing
  ["overdue", ["delta"]],
  ["off", ["alpha"]],
] as const)("only those that are %s", (show, expected) => expect(names({ show })).toEqual(expected));

test.each([
  ["ETA", ["zeta", "Beta"]],
  ["dump", ["zeta"]],
  ["team=ops  bet", ["Beta"]],
  ["nothing", []],
])("%j is looked for in names, descriptions and labels", (text, expected) => expect(names({ text })).toEqual(expected));

test("of several labels a script has to have all", () => {
  expect(names({ labels: ["team=ops"] })).toEqual(["Beta", "alpha"]);
  expect(names({ labels: ["team=ops", "tier=1"] })).toEqual(["Beta"]);
});

test("labels are offered by how many scripts have them", () => expect(allLabels(ROWS)).toEqual(["team=ops", "tier=1"]));

describe("while the pointer is among them", () => {
  const rows = new Map(ROWS.map((row) => [row.name, row]));

  test("scripts stay where they are, and new ones are added at the end", () => {
    const wanted = ["alpha", "zeta", "gamma"].map((name) => rows.get(name)!);
    expect(held(wanted, ["zeta", "alpha"], rows).map(({ name }) => name)).toEqual(["zeta", "alpha", "gamma"]);
  });

  test("one that fits no longer stays, one that is gone does not", () => {
    expect(held([], ["zeta", "gone"], rows).map(({ name }) => name)).toEqual(["zeta"]);
  });
});

test("a wish can be told in an address, and of an address is kept what makes sense", () => {
  const wish: Wish = { text: "nightly 備份", show: "failing", labels: ["team=ops", "a=b=c"], order: "next" };
  expect(wishOf(wishQuery(wish))).toEqual(wish);
  expect(wishQuery(NO_WISH)).toBe("");
  expect(wishOf("show=burnt&sort=luck&label=odd&x=1")).toEqual(NO_WISH);
});
