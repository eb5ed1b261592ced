import { expect, test } from "vitest";
import { auditFilterOf } from "./filter";

test("what makes sense of an address's query is the filter", () => {
  const query = "actor=alice&action=script.run&target=back&since=2026-01-31T20:00:00%2B01:00";
  expect(auditFilterOf(query)).toEqual({
    actor: "alice", action: "script.run", target: "back", since: "2026-01-31T19:00:00.000Z",
  });
  expect(auditFilterOf("action=script")).toEqual({ action: "script" });
});

test("what makes none is left out", () => {
  expect(auditFilterOf("actor=&action=logs&until=yesterday&limit=3")).toEqual({});
});
