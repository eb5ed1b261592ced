import { expect, test } from "vitest";
import type { Run } from "../events";
import { failuresSince } from "./failures";

const NOON = Date.parse("2026-01-31T12:00:00.000Z");

function run(script_name: string, endedAfter: number, reason: Run["reason"] = "exit_code"): Run {
  const ended_at = new Date(NOON + endedAfter).toISOString();
  return { script_name, status: "failed", reason, started_at: ended_at, ended_at } as Run;
}

test("failed since somebody left is what ended after that, whenever it began, and was not stopped by somebody", () => {
  const runs = [run("backup", 3000), run("report", 2000), run("backup", 1000), run("stopped", 500, "cancelled"), run("old", -1)];
  expect(failuresSince({ runs, next: null }, NOON)).toEqual({ count: 3, more: false, scripts: ["backup", "report"] });
});

test("there are more of them where the list ends before they do", () => {
  const runs = [run("backup", 3000), run("backup", 1000)];
  expect(failuresSince({ runs, next: "c" }, NOON)).toMatchObject({ count: 2, more: true });
  expect(failuresSince({ runs: [...runs, run("backup", -1000)], next: "c" }, NOON)).toMatchObject({ count: 2, more: false });
});
