import { expect, test } from "vitest";
import { address, go, parse, replace, route, type Route } from "./route";

const PLACES: [string, Route][] = [
  ["#/", { page: "overview" }],
  ["#/?show=failing", { page: "overview", query: "show=failing" }],
  ["#/timeline", { page: "timeline" }],
  ["#/timeline?past=3600", { page: "timeline", query: "past=3600" }],
  ["#/runs", { page: "runs" }],
  ["#/runs?script=a&status=failed", { page: "runs", filter: { script: "a", status: "failed" } }],
  ["#/new", { page: "new" }],
  ["#/config", { page: "config" }],
  ["#/audit", { page: "audit" }],
  ["#/audit?actor=alice&action=script.run", { page: "audit", filter: { actor: "alice", action: "script.run" } }],
  ["#/files", { page: "files" }],
  ["#/files/lib/a%20%23b.sh", { page: "files", path: "lib/a #b.sh" }],
  ["#/files/lib/a.sh?versions", { page: "files", path: "lib/a.sh", versions: true }],
  ["#/scripts/a.b-c", { page: "script", name: "a.b-c", tab: "runs" }],
  ["#/scripts/a?status=failed", { page: "script", name: "a", tab: "runs", filter: { status: "failed" } }],
  ["#/scripts/a/settings", { page: "script", name: "a", tab: "settings" }],
  ["#/scripts/a/output", { page: "script", name: "a", tab: "output" }],
  ["#/scripts/a/output/01K?line=12", { page: "script", name: "a", tab: "output", run: "01K", line: 11 }],
];

test.each(PLACES)("%s is a place", (text, route) => {
  expect(parse(text)).toEqual(route);
  expect(address(route)).toBe(text);
});

test.each(["", "#", "#/overview"])("%j is the overview", (text) => expect(parse(text)).toEqual({ page: "overview" }));

test.each(["#/nowhere", "#/scripts", "#/scripts/a/cellar", "#/scripts/a/runs/01K", "#/timeline/x", "#/%zz"])(
  "%s is nowhere",
  (text) => expect(parse(text)).toEqual({ page: "unknown", address: text.slice(1) }),
);

test("a line that is no number is left out", () => {
  expect(parse("#/scripts/a/output/01K?line=x")).toEqual({ page: "script", name: "a", tab: "output", run: "01K" });
});

test("a filter that makes no sense is left out, and one script's runs are of that script", () => {
  expect(parse("#/runs?status=burnt")).toEqual({ page: "runs" });
  expect(parse("#/scripts/a?script=b")).toEqual({ page: "script", name: "a", tab: "runs" });
});

test("who is leaving a place is not called back by what is said more exactly of it", async () => {
  const left = () => new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
  const arrived = left();
  go({ page: "timeline" });
  await arrived;
  replace({ page: "timeline", query: "text=a" });
  expect(location.hash).toBe("#/timeline?text=a");

  const told = left();
  go({ page: "runs" });
  replace({ page: "timeline", query: "text=ab" });
  await told;
  expect(location.hash).toBe("#/runs");
  expect(route.value).toEqual({ page: "runs" });
});
