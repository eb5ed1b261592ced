import { expect, test } from "vitest";
import { dialectOf, lineBreakOf } from "./dialect";

test.each([
  ["backup.sh", "", "shell"],
  ["BACKUP.SH", "", "shell"],
  ["backup", "#!/bin/sh", "shell"],
  ["backup", "#!/usr/bin/env bash", "shell"],
  ["backup", "#!/bin/bash -eu", "shell"],
  ["report", "#!/usr/bin/env python3", "python"],
  ["report", "#!/usr/bin/python3.11 -u", "python"],
  ["report.sh", "#!/usr/bin/env python3", "python"],
  ["report.py", "import os", "python"],
  ["a.pl", "#!/usr/bin/perl", "plain"],
  ["cronscope.yml", "# sh", "yaml"],
  ["README", "", "plain"],
])("of %j that begins with %j the language is %s", (name, line, dialect) => expect(dialectOf(name, line)).toBe(dialect));

test.each([
  ["a\nb\n", "\n"],
  ["a\r\nb\r\n", "\r\n"],
  ["a\r\nb\n", "\n"],
  ["\n\r\n", "\n"],
  ["a", "\n"],
  ["", "\n"],
])("the lines of %j end with %j", (text, lineBreak) => expect(lineBreakOf(text)).toBe(lineBreak));
