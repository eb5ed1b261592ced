import { expect, test } from "vitest";
import { found } from "./matching";

const ALL = ["my backup", "unbacked", "back", "Backup home", "sync"];
const find = (query: string) => found(ALL, query, (text) => text);

test("what begins with the words comes first, then what has a word that does", () => {
  expect(find("back")).toEqual(["back", "Backup home", "my backup", "unbacked"]);
});

test("all words have to be there, in any order and case", () => expect(find("HOME back")).toEqual(["Backup home"]));

test("without words everything is found", () => expect(find(" ")).toEqual(ALL));
