import { describe, expect, test } from "vitest";
import type { Run } from "../events";
import { continued, held, leftBefore, refreshed } from "./listing";

const run = (id: number, status: Run["status"] = "completed") =>
  ({ run_id: `${id}`, status, started_at: new Date(id * 1000).toISOString() }) as Run;
const runs = (...ids: number[]) => ids.map((id) => run(id));
const ids = (list: readonly Run[]) => list.map(({ run_id }) => Number(run_id));

describe("looking at the first page anew", () => {
  const before = { runs: runs(6, 5, 4, 3, 2), next: "2" };

  test("adds what is new and keeps what is further down", () => {
    const after = refreshed(before, { runs: runs(8, 7, 6), next: "6" });
    expect(ids(after.runs)).toEqual([8, 7, 6, 5, 4, 3, 2]);
    expect(after.next).toBe("2");
  });

  test("drops what no longer fits", () =>
    expect(ids(refreshed(before, { runs: runs(7, 4), next: "4" }).runs)).toEqual([7, 4, 3, 2]));

  test("begins again where too much has happened to join on", () =>
    expect(refreshed(before, { runs: runs(30, 29), next: "29" })).toEqual({ runs: runs(30, 29), next: "29" }));

  test("that is all there is shows just that", () =>
    expect(refreshed(before, { runs: runs(7, 2), next: null })).toEqual({ runs: runs(7, 2), next: null }));
});

test("a following page is put below, without what has moved down onto it", () =>
  expect(continued({ runs: runs(6, 5), next: "5" }, { runs: runs(5, 4), next: null })).toEqual({
    runs: runs(6, 5, 4), next: null,
  }));

describe("under the pointer", () => {
  test("new runs wait, the others stay where they are", () => {
    const after = held(runs(8, 7, 6, 5), runs(6, 5));
    expect(ids(after.runs)).toEqual([6, 5]);
    expect(after.fresh).toBe(2);
  });

  test("a run's state goes on", () => expect(held([run(6, "failed")], [run(6, "running")]).runs[0]?.status).toBe("failed"));

  test("what is gone stays to be seen", () => expect(ids(held(runs(6), runs(6, 5)).runs)).toEqual([6, 5]));

  test("what follows is put below", () => expect(ids(held(runs(6, 5, 4), runs(6, 5)).runs)).toEqual([6, 5, 4]));
});

test.each([
  [null, -1],
  [5, 2],
  [5.5, 2],
  [9, -1],
  [1, -1],
])("who left at second %s finds the divider before run %d", (second, index) =>
  expect(leftBefore(runs(7, 6, 5, 4), second === null ? null : second * 1000)).toBe(index),
);
