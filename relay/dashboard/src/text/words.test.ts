import { afterEach, describe, expect, test } from "vitest";
import type { Connection } from "../live/socket";
import type { ScriptRow } from "../live/store";
import { chosenLanguage } from "./language";
import { connectionOf, lastResultOf, resultOf, statusOf, whileRunning, withoutCountdown } from "./words";

const ROW: ScriptRow = {
  name: "backup", description: "", enabled: true, runs: [], result: null, nextStart: null,
  schedule: { kind: "every", value: "30s", timezone: "UTC", description: "Every 30 seconds" }, problem: null,
  labels: {}, recent: null, past: 0, lastSuccess: null, successAgeLimit: null, overlap: "skip", withoutSuccessSince: null, progress: new Map(),
};
const RUN = { id: "R", startedAt: 0 };

test.each([
  [ROW, "Idle"],
  [{ ...ROW, enabled: false }, "Disabled"],
  [{ ...ROW, enabled: false, runs: [RUN] }, "Running"],
  [{ ...ROW, runs: [RUN, RUN] }, "Running ×2"],
])("a script's status is said in a word", (row, text) => expect(statusOf(row).text).toBe(text));

test("of a script that never ran is told whether it does now", () => {
  expect(lastResultOf(ROW).text).toBe("Never ran");
  expect(lastResultOf({ ...ROW, runs: [RUN] }).text).toBe("First run under way");
});

test.each([
  ["exit_code", 3, "Failed, exit 3"],
  ["signal", 137, "Failed, signal 9"],
  ["timeout", 143, "Timed out"],
  ["spawn", -1, "Could not start"],
  ["cancelled", 143, "Stopped"],
  ["lost", -1, "Lost track of"],
] as const)("a run that failed by %s is called so", (reason, exitCode, text) =>
  expect(resultOf({ status: "failed", reason, exitCode }).text).toBe(text),
);

test.each([
  ["overlap", "Skipped: still running"],
  ["missed", "Missed: service was down"],
  ["queue_full", "Skipped: queue full"],
] as const)("a start that did not happen, for %s, is told with its reason", (reason, text) =>
  expect(resultOf({ status: "skipped", reason, exitCode: null })).toEqual({ sign: "warning", text }),
);

test.each([
  [{ ...ROW, enabled: false, nextStart: 0 }, "–"],
  [{ ...ROW, schedule: { ...ROW.schedule, kind: "manual" } }, "by hand only"],
  [{ ...ROW, nextStart: 0 }, "due"],
  [{ ...ROW, nextStart: 0, runs: [RUN] }, "after this run"],
  [{ ...ROW, nextStart: 0, runs: [RUN], overlap: "queue" }, "after this run"],
  [{ ...ROW, nextStart: 0, runs: [RUN], overlap: "allow" }, "due"],
  [{ ...ROW, nextStart: 0, runs: [RUN], overlap: "replace" }, "due"],
] as const)("a next start that cannot be counted down to is said in words", (row, text) =>
  expect(withoutCountdown(row)).toBe(text),
);

test.each([
  ["skip", "skipped if still running"],
  ["queue", "waits for earlier runs"],
  ["replace", "ends the run under way"],
  ["allow", null],
] as const)("a start planned while the script runs is told with what overlap: %s makes of it", (overlap, text) => {
  expect(whileRunning({ ...ROW, overlap, runs: [RUN] })).toBe(text);
  expect(whileRunning({ ...ROW, overlap })).toBeNull();
});

describe("the connection", () => {
  const twoPm = new Date(2026, 0, 31, 14, 2, 11).getTime();
  const AT_TWO = { online: true, paused: false, heardAt: twoPm, now: twoPm + 60_000 };

  const saying = (connection: Connection, changes = {}) => {
    const { text, detail } = connectionOf(connection, { ...AT_TWO, ...changes });
    return [text, detail];
  };

  test("that the reader paused says so, and as of when the data are", () => {
    expect(saying({ kind: "live" }, { paused: true })).toEqual(["Paused", "data as of 14:02:11"]);
    const tomorrow = AT_TWO.now + 86_400_000;
    expect(saying({ kind: "live" }, { paused: true, now: tomorrow })[1]).toMatch(/^data as of Sat,? 31 Jan, 14:02:11$/);
  });

  test("that is lost is not hidden by the pause", () => {
    expect(saying({ kind: "connecting" }, { paused: true })).toEqual(["Connecting", "data as of 14:02:11"]);
  });

  test("counts down to the next attempt and dates what is shown", () => {
    expect(saying({ kind: "waiting", until: AT_TWO.now + 3500 })).toEqual(["Retry in 4 s", "data as of 14:02:11"]);
  });

  test("says that the machine is offline, and as of when the data are", () => {
    expect(saying({ kind: "waiting", until: 0 }, { online: false })).toEqual(["Offline", "data as of 14:02:11"]);
  });

  test("says why it will not be tried again", () => {
    const refused = { kind: "refused", reason: "forbidden" } as const;
    expect(saying(refused, { heardAt: null })).toEqual(["Not connected", "forbidden"]);
    expect(saying(refused)).toEqual(["Not connected", "forbidden, data as of 14:02:11"]);
  });
});

describe("in Chinese", () => {
  afterEach(() => {
    chosenLanguage.value = null;
  });

  test("a script's status, a run's result and the connection are said", () => {
    chosenLanguage.value = "zh-Hant";
    expect(statusOf({ ...ROW, runs: [RUN, RUN] }).text).toBe("執行中 ×2");
    expect(resultOf({ status: "failed", reason: "exit_code", exitCode: 3 }).text).toBe("失敗，結束代碼 3");
    const connection = connectionOf({ kind: "waiting", until: 3500 }, { online: true, paused: false, heardAt: null, now: 0 });
    expect(connection.text).toBe("4 秒後重試");
  });
});
