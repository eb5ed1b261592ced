import { expect, test } from "vitest";
import type { Run } from "../events";
import { beside, latestOf } from "./choice";

const RUNS = ["C", "B", "A"].map((run_id) => ({ run_id }) as Run);

test("the run under way that began last is looked at, else the last one, else none", () => {
  expect(latestOf([{ id: "D" }, { id: "E" }], RUNS)).toBe("E");
  expect(latestOf([], RUNS)).toBe("C");
  expect(latestOf([], [])).toBeNull();
});

test("from a run the reader goes to the one before and the one after", () => {
  expect(beside(RUNS, "B")).toEqual({ older: "A", newer: "C" });
  expect(beside(RUNS, "C")).toEqual({ older: "B", newer: null });
  expect(beside(RUNS, "A")).toEqual({ older: null, newer: "B" });
  expect(beside(RUNS, "unknown")).toEqual({ older: null, newer: null });
});
