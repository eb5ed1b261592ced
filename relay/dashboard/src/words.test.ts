import { describe, expect, test } from "vitest";
import type { ScriptRow } from "./store";
import { connectionOf, resultOf, statusOf, withoutCountdown } from "./words";

const ROW: ScriptRow = {
  name: "backup", description: "", enabled: true, runs: [], result: null, nextStart: null, progress: null,
  schedule: { kind: "every", value: "30s", timezone: "UTC", description: "Every 30 seconds" }, problem: null,
};
const RUN = { id: "R", startedAt: 0 };

test.each([
  [ROW, "Idle"],
  [{ ...ROW, enabled: false }, "Disabled"],
  [{ ...ROW, enabled: false, runs: [RUN] }, "Running"],
  [{ ...ROW, runs: [RUN, RUN] }, "Running ×2"],
])("a script's status is said in a word", (row, text) => expect(statusOf(row).text).toBe(text));

test.each([
  ["exit_code", 3, "Failed, exit 3"],
  ["signal", 137, "Failed, signal 9"],
  ["timeout", 143, "Timed out"],
  ["spawn", -1, "Could not start"],
  ["cancelled", 143, "Stopped"],
  ["lost", -1, "Lost track of"],
] as const)("a run that failed by %s is called so", (reason, exitCode, text) =>
  expect(resultOf({ status: "failed", reason, exitCode, endedAt: 0, duration: 0 }).text).toBe(text),
);

test.each([
  [{ ...ROW, enabled: false, nextStart: 0 }, "–"],
  [{ ...ROW, schedule: { ...ROW.schedule, kind: "manual" } }, "by hand only"],
  [{ ...ROW, nextStart: 0 }, "due"],
  [{ ...ROW, nextStart: 0, runs: [RUN] }, "after this run"],
] as const)("a next start that cannot be counted down to is said in words", (row, text) =>
  expect(withoutCountdown(row)).toBe(text),
);

describe("the connection", () => {
  const twoPm = new Date(2026, 0, 31, 14, 2, 11).getTime();

  test("counts down to the next attempt and dates what is shown", () => {
    const { text } = connectionOf({ kind: "waiting", until: 3500 }, true, twoPm, 0);
    expect(text).toBe("Reconnecting in 4 s, data as of 14:02:11");
  });

  test("is announced once, not with every second or attempt", () => {
    const attempts = [
      connectionOf({ kind: "waiting", until: 3500 }, true, twoPm, 0),
      connectionOf({ kind: "waiting", until: 3500 }, true, twoPm, 1000),
      connectionOf({ kind: "connecting" }, true, twoPm, 0),
    ];
    expect(new Set(attempts.map(({ quiet }) => quiet)).size).toBe(1);
  });

  test("says that the machine is offline, and as of when the data are", () => {
    const { text } = connectionOf({ kind: "waiting", until: 3500 }, false, twoPm, 0);
    expect(text).toBe("Offline, data as of 14:02:11");
  });

  test("says why it will not be tried again", () => {
    expect(connectionOf({ kind: "refused", reason: "forbidden" }, true, null, 0).text).toBe("Not connected: forbidden");
  });
});
