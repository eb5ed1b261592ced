/** Light, dark, or what the system says; and the colours of `style.css` for what is drawn on a canvas. */
import { computed, effect, signal } from "@preact/signals";
import { preference } from "../preferences";

export type Theme = "system" | "light" | "dark";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];

export const theme = preference<Theme>("theme", "system", (value) =>
  value === "light" || value === "dark" ? value : "system",
);

const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
system.addEventListener("change", () => (systemIsDark.value = system.matches));

export const isDark = computed(() => (theme.value === "system" ? systemIsDark.value : theme.value === "dark"));

/** Keep the document in the theme that is chosen. */
export function wearTheme(): void {
  effect(() => {
    document.documentElement.dataset["theme"] = theme.value;
  });
}

/** The names of the colours in `style.css`. */
export type ColourName =
  | "good" | "bad" | "warning" | "active" | "quiet" | "text" | "page" | "surface" | "line" | "track";

let known: { dark: boolean; colours: Map<ColourName, string> } | null = null;

/** A colour as a canvas takes it. Who calls this while rendering is rendered anew when the theme changes. */
export function colour(name: ColourName): string {
  if (known?.dark !== isDark.value) known = { dark: isDark.value, colours: new Map() };
  let value = known.colours.get(name);
  if (value === undefined) {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.forcedColorAdjust = "none"; // the reader's own colours do not tell apart what is drawn
    probe.style.color = `var(--${name})`;
    known.colours.set(name, (value = getComputedStyle(probe).color));
    probe.remove();
  }
  return value;
}
