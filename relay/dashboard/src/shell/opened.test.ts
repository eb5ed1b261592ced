import { afterEach, expect, test } from "vitest";
import { close, open, opened } from "./opened";

afterEach(() => {
  close();
  document.body.replaceChildren();
});

const showDialog = () => document.body.appendChild(document.createElement("dialog")).setAttribute("open", "");

test("one window takes the place of the other", () => {
  open("help");
  showDialog();
  open("palette");
  expect(opened.value).toBe("palette");
});

test("a question that the page asks is not covered", () => {
  showDialog();
  open("palette");
  expect(opened.value).toBeNull();
});
