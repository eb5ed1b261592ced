/** The language the page speaks. */
import { computed } from "@preact/signals";
import { preference } from "../preferences";

export type Language = "en" | "zh-Hant";

/** Each language by its own name. */
export const LANGUAGES: Record<Language, string> = { en: "English", "zh-Hant": "繁體中文" };

/** What the reader chose; null for the browser's own. */
export const chosenLanguage = preference<Language | null>("language", null, (value) =>
  value === "en" || value === "zh-Hant" ? value : null,
);

export const language = computed<Language>(() => chosenLanguage.value ?? fitting(navigator.languages));

/** The first of the reader's languages that the page speaks; readers of any Chinese are served better by Chinese. */
export function fitting(languages: readonly string[]): Language {
  for (const tag of languages) {
    const primary = tag.toLowerCase().split("-")[0];
    if (primary === "zh") return "zh-Hant";
    if (primary === "en") return "en";
  }
  return "en";
}

/** For `Intl`: numbers, dates and names in the present language. */
export function locale(): string {
  return language.value === "en" ? "en-GB" : "zh-Hant-TW";
}

/**
 * The same texts in every language; the function that is returned gives those of the present one.
 *
 * A component that calls it is rendered anew when the language is switched.
 */
export function translated<T>(texts: { en: T; "zh-Hant": NoInfer<T> }): () => T {
  return () => texts[language.value];
}
