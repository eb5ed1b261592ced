import { expect, test } from "vitest";
import { changes, type Draft, draftOf, type Entry, entryOf, quoted, same, unquoted, unsendable } from "./entry";

const FULL: Entry = {
  name: "backup", description: "Nightly dump", command: ["dump", "--full"], cron: "15 3 * * *", timezone: "Europe/Berlin",
  jitter: "5s", enabled: false, timeout: 600, kill_after: "10s", overlap: "queue", missed: "once", retries: 2,
  retry_delay: 1.5, success_codes: [0, 3], max_output: "1MiB", workdir: "work", env: { LANG: "C.UTF-8", N: 1 },
  env_file: "backup.env", labels: { team: "ops" }, success_age_limit: "26h", retention: { runs: 1000, days: 0.5 },
  secrets: ["LOGIN"], user: 1000, group: "backup", umask: "0027", nice: 5, limits: { cpu_time: 90, memory: "1GiB" },
};

const NO_LIMITS = draftOf({}).limits;
const typed = (entry: Entry, some: Partial<Draft>) => changes(entry, { ...draftOf(entry), ...some });

test("what was not touched is not sent, however it is written", () => {
  expect(changes(FULL, draftOf(FULL))).toEqual({});
  expect(entryOf(FULL, draftOf(FULL))).toEqual(FULL);
  expect(draftOf(FULL).rest).toEqual({});
});

test.each<[Partial<Draft>, Entry]>([
  [{ timeout: "10m" }, { timeout: "10m" }],
  [{ timeout: "90" }, { timeout: 90 }],
  [{ timeout: " 600 " }, {}],
  [{ timeout: "" }, { timeout: null }],
  [{ retries: "many" }, { retries: "many" }],
  [{ description: "" }, { description: null }],
  [{ enabled: true }, { enabled: null }],
  [{ success_codes: "0,3" }, {}],
  [{ success_codes: "0 4, x" }, { success_codes: [0, 4, "x"] }],
  [{ success_codes: "" }, { success_codes: null }],
  [{ retention: { runs: "1000", days: "", bytes: "1GiB" } }, { retention: { days: null, bytes: "1GiB" } }],
  [{ retention: { runs: "", days: "", bytes: "" } }, { retention: null }],
  [{ nice: "-5" }, { nice: -5 }],
  [{ user: "1000" }, {}],
  [{ umask: "0077", group: "" }, { umask: "0077", group: null }],
  [{ secrets: "LOGIN, 1" }, { secrets: ["LOGIN", "1"] }],
  [{ limits: { ...NO_LIMITS, cpu_time: "2m", open_files: "64" } }, { limits: { cpu_time: "2m", memory: null, open_files: 64 } }],
  [{ limits: NO_LIMITS }, { limits: null }],
  [{ labels: [] }, { labels: null }],
  [{ command: { isList: true, text: "", words: ["dump", "--full", ""] } }, { command: ["dump", "--full", ""] }],
  [{ command: { isList: false, text: "dump", words: [] } }, { command: "dump" }],
])("of %j only the change is sent", (some, patch) => expect(typed(FULL, some)).toEqual(patch));

test("variables are added, changed and removed one by one", () => {
  const env = [{ name: "LANG", value: "C" }, { name: "NEW", value: "" }, { name: "", value: "" }];
  expect(typed(FULL, { env })).toEqual({ env: { LANG: "C", NEW: "", N: null } });
  const swapped = [{ name: "N", value: "1" }, { name: "LANG", value: "C.UTF-8" }];
  expect(typed(FULL, { env: swapped })).toEqual({});
});

test("one schedule takes the place of another", () => {
  const when = draftOf(FULL).when;
  expect(typed(FULL, { when: { ...when, kind: "every", every: "30" } })).toEqual({ cron: null, every: 30 });
  expect(typed(FULL, { when: { ...when, kind: "manual" } })).toEqual({ cron: null });
  expect(typed({ name: "a", command: "b" }, { when: { ...when, kind: "at", at: "2027-01-01T00:00:00Z" } })).toEqual({
    at: "2027-01-01T00:00:00Z",
  });
});

test("an entry with nothing in it is a script by hand", () => {
  expect(draftOf({})).toMatchObject({ name: "", timeout: "", enabled: true, env: [], when: { kind: "manual" }, rest: {} });
});

test("what no field can show is kept", () => {
  const odd = { name: "a", command: { not: "this" }, timeot: 3, env: [1], enabled: "yes" };
  expect(draftOf(odd).rest).toEqual({ command: { not: "this" }, timeot: 3, env: [1], enabled: "yes" });
  expect(entryOf({}, draftOf(odd))).toEqual(odd);
});

test("drafts are the same where they would be written alike", () => {
  const [a, b] = [draftOf({ timeout: 60 }), { ...draftOf({}), timeout: "60 " }];
  expect(same("timeout", a, b)).toBe(true);
  expect(same("timeout", a, { ...a, timeout: "1m" })).toBe(false);
});

test("names that stand twice and values without a name cannot be sent", () => {
  const env = [{ name: "A", value: "1" }, { name: "", value: "x" }, { name: "A", value: "2" }, { name: "", value: "" }];
  expect(unsendable({ ...draftOf({}), env })).toEqual([{ key: "env", name: "" }, { key: "env", name: "A" }]);
});

test("a command can be told in either form", () => {
  expect(quoted(["./a.sh", "it's", "", "a b"])).toBe("./a.sh 'it'\\''s' '' 'a b'");
  expect(unquoted("  ./a.sh  --full x=1 ")).toEqual(["./a.sh", "--full", "x=1"]);
  expect(unquoted("a | b")).toEqual(["a | b"]);
  expect(unquoted(" ")).toEqual([]);
});
