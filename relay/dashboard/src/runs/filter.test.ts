import { expect, test } from "vitest";
import type { RunFilter } from "../api/runs";
import { filterOf, filterQuery } from "./filter";

test.each<[string, RunFilter]>([
  ["", {}],
  ["?script=a.b&status=failed&reason=timeout&q=no+space", { script: "a.b", status: "failed", reason: "timeout", q: "no space" }],
  ["?since=2026-01-31T12%3A00%3A00.000Z", { since: "2026-01-31T12:00:00.000Z" }],
])("%j is a filter", (query, filter) => {
  expect(filterOf(query)).toEqual(filter);
  expect(filterQuery(filter)).toBe(query);
});

test.each([
  ["status=burnt", {}],
  ["status=completed&reason=timeout", { status: "completed" }],
  ["status=skipped&reason=overlap", { status: "skipped", reason: "overlap" }],
  ["reason=lost", { reason: "lost" }],
  ["since=yesterday&until=2026-01-31", {}],
  ["since=2026-01-31T13:00:00%2B01:00", { since: "2026-01-31T12:00:00.000Z" }],
  ["q=%20%20&script=&limit=5", {}],
])("of %j is kept what makes sense", (query, filter) => expect(filterOf(query)).toEqual(filter));
