import { expect, test, vi } from "vitest";
import { isStopping, stop, stopOne } from "./stopping";

function answer(status: number, body: object): void {
  vi.stubGlobal("fetch", async () => Response.json(body, { status }));
}

const runs = (...ids: string[]) => ids.map((id) => ({ id }));

test("runs are stopping from when the service has taken it on", async () => {
  expect(isStopping(runs("R1"))).toBe(false);
  answer(202, { run_ids: ["R1", "R2"] });
  await stop("backup");
  expect(isStopping(runs("R1", "R2"))).toBe(true);
  answer(202, {});
  await stopOne("R3");
  expect(isStopping(runs("R3"))).toBe(true);
});

test("a script of which a run goes on is not stopping, nor one that does not run", async () => {
  answer(202, { run_ids: ["R4"] });
  await stop("backup");
  expect(isStopping(runs("R4", "R5"))).toBe(false);
  expect(isStopping([])).toBe(false);
});

test("what the service refuses is not stopping", async () => {
  answer(409, { title: "ended", status: 409, detail: "run R6 has ended already" });
  await expect(stopOne("R6")).rejects.toThrow();
  expect(isStopping(runs("R6"))).toBe(false);
});
