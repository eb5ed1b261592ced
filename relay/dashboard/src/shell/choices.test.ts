import { expect, test, vi } from "vitest";
import { session } from "../access/session";
import type { ScriptRow } from "../live/store";
import { choices } from "./choices";
import type { Command } from "./commands";

const command = (title: string, changes: Partial<Command> = {}): Command => ({ title, run: () => {}, ...changes });
const script = (name: string, running = false) =>
  ({ name, description: "Nightly dump", runs: running ? [{ id: "R", startedAt: 0 }] : [] }) as unknown as ScriptRow;

const COMMANDS = [command("Next", { repeats: true }), command("Filter"), command("Filter", { quiet: true })];
const titles = (text: string, ...rows: ScriptRow[]) => choices(COMMANDS, rows, text).map(({ title }) => title);

test("what only moves comes last", () => {
  expect(titles("", script("backup"))).toEqual(["Filter", "backup", "Next"]);
});

test("with a script that is found by its name comes what can be done to it", () => {
  expect(titles("back", script("backup"), script("sync"))).toEqual(["backup", "Run backup", "Output of backup"]);
  expect(titles("back", script("backup", true))).toEqual(["backup", "Run backup", "Stop backup", "Output of backup"]);
  expect(titles("run back", script("backup"))).toEqual(["Run backup"]);
  expect(titles("dump", script("backup"))).toEqual(["backup"]);
});

test("who may only look is offered nothing that is refused", () => {
  session.value = { name: "ann", role: "view", signed_in: true, can_sign_in: true, by_proxy: false, xsrf_token: "x" };
  expect(titles("back", script("backup", true))).toEqual(["backup", "Output of backup"]);
  session.value = null;
});

test("a script is run from there", async () => {
  const fetch = vi.fn(async (_path: string) => Response.json({ run_id: "R" }, { status: 202 }));
  vi.stubGlobal("fetch", fetch);
  choices(COMMANDS, [script("backup")], "run backup")[0]!.run();
  await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
  expect(fetch.mock.calls[0]![0]).toBe("api/v1/scripts/backup/run");
});
