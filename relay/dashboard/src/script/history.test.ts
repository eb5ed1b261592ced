import { expect, test } from "vitest";
import type { PastRun } from "../events";
import { joined } from "./history";

function run(id: string, second: number): PastRun {
  return { run_id: id, started_at: new Date(second * 1000).toISOString(), duration: 0, status: "completed", reason: null };
}

test("what came since is added once, in the order of the starts", () => {
  const runs = joined([run("a", 1), run("b", 2)], [run("b", 2), run("d", 4), run("c", 3)]);
  expect(runs.map(({ run_id }) => run_id)).toEqual(["a", "b", "c", "d"]);
});
