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
  ["bash -e ./scripts/backup.sh", "backup.sh"],
  ["cd scripts && ./backup.sh", "backup.sh"],
  ["cd /srv/cron/scripts/db; exec ./dump.sh --full", "db/dump.sh"],
  ["cd scripts && cd db && sh dump.sh", "db/dump.sh"],
  ["set -eu; ./scripts/backup.sh", "backup.sh"],
  ["umask 077 && ./scripts/backup.sh", "backup.sh"],
  ["cd scripts\n./backup.sh", "backup.sh"],
  ["nice -n 10 python3 scripts/report.py", "report.py"],
  ["ionice -c3 nice ./scripts/backup.sh", "backup.sh"],
  ["timeout -k 5 10m ./scripts/backup.sh", "backup.sh"],
  ["env -i LANG=C ./scripts/backup.sh", "backup.sh"],
  ["nohup ./scripts/backup.sh", "backup.sh"],
])("the command %j runs the file %j", (command, path) =>
  expect(fileOf({ command }, places)).toEqual({ kind: "file", path }));

test.each([
  ["echo hello", "path"],
  ["backup.sh", "path"],
  ["cd scripts && backup.sh", "path"],
  ["python3 -m http.server", "module"],
  ["python3 -c 'print(1)'", "code"],
  ["perl -e 'print 1'", "code"],
  ["bash", "code"],
  ["$HOME/backup.sh", "variable"],
  ["cd $HOME && ./backup.sh", "variable"],
  ["bash ${DIR}/backup.sh", "variable"],
  ["~/backup.sh", "variable"],
  ["if true; then ./scripts/backup.sh; fi", "shell"],
  ["(./scripts/backup.sh)", "shell"],
  ["cd", "shell"],
  ["", "shell"],
])("the command %j names no file: %s", (command, why) =>
  expect(fileOf({ command }, places)).toEqual({ kind: "inline", why }));

test("a variable that the configuration sets is known", () => {
  const env = { DIR: "./scripts", NUMBER: 5 };
  expect(fileOf({ command: "$DIR/backup.sh", env }, places)).toEqual({ kind: "file", path: "backup.sh" });
  expect(fileOf({ command: 'cd "${DIR}" && sh backup.sh', env }, places)).toEqual({ kind: "file", path: "backup.sh" });
  expect(fileOf({ command: "sh scripts/$NUMBER.sh", env }, places)).toEqual({ kind: "file", path: "5.sh" });
  expect(fileOf({ command: ["$DIR/backup.sh"], env }, places)).toEqual({ kind: "inline", why: "variable" });
  expect(fileOf({ command: "'$DIR/backup.sh'", env }, places)).toEqual({ kind: "inline", why: "variable" });
});

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
