import { afterEach, expect, test } from "vitest";
import { chosenLanguage, fitting, language, translated } from "./language";

afterEach(() => {
  chosenLanguage.value = null;
});

test.each([
  [["en-US"], "en"],
  [["zh-TW", "en"], "zh-Hant"],
  [["zh-Hant-HK"], "zh-Hant"],
  [["zh"], "zh-Hant"],
  [["de-DE", "zh-TW"], "zh-Hant"],
  [["de-DE"], "en"],
  [[], "en"],
] as const)("a browser of %j is spoken to in %s", (languages, expected) => expect(fitting(languages)).toBe(expected));

test("what the reader chose counts more, and is kept", () => {
  const words = translated({ en: { hello: "Hello" }, "zh-Hant": { hello: "你好" } });
  expect(words().hello).toBe("Hello");
  chosenLanguage.value = "zh-Hant";
  expect(language.value).toBe("zh-Hant");
  expect(words().hello).toBe("你好");
  expect(localStorage.getItem("cronscope.language")).toBe('"zh-Hant"');
});
