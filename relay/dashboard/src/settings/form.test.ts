import { expect, test } from "vitest";
import { arrived, decided, opened, patchOf, saved, touched, typed } from "./form";

const BASE = { name: "a", command: "true", timeout: "1m", retries: 1 };
const mine = () => typed(opened(BASE, "1"), { timeout: "2m" });

test("what is typed is a change until it is as before", () => {
  expect(touched(mine())).toEqual(["timeout"]);
  expect(touched(typed(mine(), { timeout: "1m" }))).toEqual([]);
});

test("what changes elsewhere is followed where nothing was typed", () => {
  const { form, followed } = arrived(mine(), { ...BASE, retries: 5, description: "new" }, "2");
  expect(followed).toEqual(["description", "retries"]);
  expect(form.draft).toMatchObject({ timeout: "2m", retries: "5", description: "new" });
  expect(form.etag).toBe("2");
  expect(form.contested.size).toBe(0);
  expect(patchOf(form)).toEqual({ timeout: "2m" });
});

test("where both have changed a field, the reader decides", () => {
  const { form, followed } = arrived(mine(), { ...BASE, timeout: "9m" }, "2");
  expect(followed).toEqual([]);
  expect([...form.contested]).toEqual(["timeout"]);
  expect(form.draft.timeout).toBe("2m");
  const kept = decided(form, "timeout", "mine");
  expect(kept.contested.size).toBe(0);
  expect(patchOf(kept)).toEqual({ timeout: "2m" });
  const taken = decided(form, "timeout", "theirs");
  expect(taken.draft.timeout).toBe("9m");
  expect(touched(taken)).toEqual([]);
});

test("where both have made the same of it there is nothing to decide", () => {
  const { form } = arrived(mine(), { ...BASE, timeout: "2m" }, "2");
  expect(form.contested.size).toBe(0);
  expect(touched(form)).toEqual([]);
});

test("a contested field is none any more once they change it to what is typed", () => {
  const once = arrived(mine(), { ...BASE, timeout: "9m" }, "2").form;
  const again = arrived(once, { ...BASE, timeout: "9m", retries: 3 }, "3").form;
  expect([...again.contested]).toEqual(["timeout"]);
  expect(arrived(again, { ...BASE, timeout: "2m" }, "4").form.contested.size).toBe(0);
});

test("what is typed while saving stays", () => {
  const sent = mine();
  const since = typed(sent, { retries: "7" });
  const form = saved(since, sent.draft, { ...BASE, timeout: "2m" }, "2");
  expect(touched(form)).toEqual(["retries"]);
  expect(form).toMatchObject({ etag: "2", draft: { timeout: "2m", retries: "7" } });
});
