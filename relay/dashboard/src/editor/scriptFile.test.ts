import { expect, test } from "vitest";
import { fileOf, usersOf } from "./scriptFile";

const places = { folder: "/srv/cron/scripts", base: "/srv/cron" };

test.each([
  ["./scripts/backup.sh", "backup.sh"],
  ["scripts/db/dump.sh --full | gzip > out", "db/dump.sh"],
  ["LANG=C ./scripts/backup.sh", "backup.sh"],
  ["'./scripts/backup.sh' --full", "backup.sh"],
  ["/srv/cron/scripts/backup.sh", "backup.sh"],
  ["/srv/cron/jobs/../scripts/./backup.sh", "backup.sh"],
  ["exec ./scripts/backup.sh", "backup.sh"],
  ["python3 -u scripts/report.py --week", "report.py"],
  ["/usr/bin/env python3 scripts/report.py", "report.py"],
  ["./scripts/備份.sh", "備份.sh"],
  [["./scripts/backup.sh", "a b"], "backup.sh"],
  [["bash", "-e", "scripts/backup.sh"], "backup.sh"],
  ["bash -euo pipefail scripts/backup.sh", "backup.sh"],
  ["python3 -W ignore scripts/report.py", "report.py"],
  [["bash", "-x", "scripts/backup.sh"], "backup.sh"],
])("the command %j runs the file %j", (command, path) =>
  expect(fileOf({ command }, places)).toEqual({ kind: "file", path }));

test.each([
  "echo hello",
  "backup.sh",
  "cd scripts && ./backup.sh",
  "python3 -c 'print(1)'",
  "python3 -m http.server",
  "$HOME/backup.sh",
  "~/backup.sh",
  "if true; then ./scripts/backup.sh; fi",
  "bash",
  "nice -n 10 python3 scripts/report.py",
  "perl -e 'print 1'",
  "",
])("the command %j is no file", (command) => expect(fileOf({ command }, places)).toEqual({ kind: "inline" }));

test("a relative path starts from the script's folder", () => {
  const command = "./backup.sh";
  expect(fileOf({ command, workdir: "scripts" }, places)).toEqual({ kind: "file", path: "backup.sh" });
  expect(fileOf({ command, workdir: "/srv/cron/scripts/db" }, places)).toEqual({ kind: "file", path: "db/backup.sh" });
  expect(fileOf({ command, workdir: "/opt" }, places)).toEqual({ kind: "elsewhere", path: "/opt/backup.sh" });
});

test("what only looks like the folder is elsewhere", () => {
  const found = fileOf({ command: "./scripts-old/a.sh" }, places);
  expect(found).toEqual({ kind: "elsewhere", path: "/srv/cron/scripts-old/a.sh" });
  expect(fileOf({ command: "/bin/true" }, places)).toEqual({ kind: "elsewhere", path: "/bin/true" });
  expect(fileOf({ command: "/opt/a.sh" }, { folder: "/", base: "/" })).toEqual({ kind: "file", path: "opt/a.sh" });
});

test("every script that runs a file is told", () => {
  const scripts = [
    { name: "full", config: { command: "scripts/backup.sh --full" } },
    { name: "hello", config: { command: "echo hello" } },
    { name: "quick", config: { command: ["scripts/backup.sh"] } },
  ];
  expect([...usersOf(scripts, places)]).toEqual([["backup.sh", ["full", "quick"]]]);
});
