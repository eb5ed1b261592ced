import { expect, test } from "vitest";
import { filePath } from "./files";

test.each([
  ["lib/a #b.sh", "lib/a%20%23b.sh"],
  ["old/versions/a.sh", "old%2Fversions%2Fa.sh"],
  ["check", "check"],
  ["../a.sh", "..%2Fa.sh"],
  ["..", ".%2F.."],
])("the address of the file %j ends with %s", (path, end) => {
  expect(filePath(path)).toBe(`api/v1/files/${end}`);
  expect(new URL(filePath(path), "http://h/").pathname).toBe(`/api/v1/files/${end}`);
});
