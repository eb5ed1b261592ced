/**
 * Escape sequences (ECMA-48) in a script's output: those for colours and bold text are obeyed, the others left out.
 *
 * A colour is one of sixteen that can be read on either theme, given by the name of a class.
 */
import Anser, { type AnserJsonEntry } from "anser";

export interface Segment {
  readonly text: string;
  /** Names of classes; empty for plain text. */
  readonly style: string;
}

/** Sequences that set the style from the last reset on. */
export const NO_STYLE = "";

/** A control sequence; one that carries a text up to its end; any other escape sequence. */
const SEQUENCE = /\x1b(?:\[([0-?]*)[ -/]*([@-~])|[\]PX^_][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|[ -/]*[0-~])/g;
const STYLE = /\x1b\[[\d;]*m/g;
const RESET_FIRST = /^\x1b\[0*[;m]/;
/** Control characters, but for the tabulator and what begins a style. */
const CONTROL = /[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f]|\x1b(?!\[[\d;]*m)/g;
/** A style of more sequences is nonsense, and would make each of the lines that inherit it slow to read. */
const MOST_SEQUENCES = 32;

/** What is to be seen of a line. */
export function plain(text: string): string {
  return onlyStyles(onTop(text)).replace(STYLE, "");
}

/** A line as a terminal has it in the end: what follows a carriage return is written over what was before it. */
export function onTop(text: string): string {
  if (!text.includes("\r")) return text;
  const pieces = text.split("\r");
  const top = pieces.findLastIndex((piece) => piece.replace(STYLE, "") !== "");
  return top < 0 ? "" : carried(NO_STYLE, pieces.slice(0, top).join("")) + pieces[top]!;
}

/** The style that the next line begins with. */
export function carried(style: string, text: string): string {
  if (!text.includes("\x1b")) return style;
  let open = style;
  for (const [sequence] of onlyStyles(text).matchAll(STYLE)) {
    open = (RESET_FIRST.test(sequence) ? NO_STYLE : open) + sequence;
  }
  if (/^\x1b\[0*m$/.test(open)) return NO_STYLE;
  return (open.match(STYLE) ?? []).slice(-MOST_SEQUENCES).join("");
}

export function segments(style: string, text: string): Segment[] {
  const styled = style + onlyStyles(onTop(text));
  if (!styled.includes("\x1b")) return styled ? [{ text: styled, style: "" }] : [];
  return Anser.ansiToJson(styled, { json: true, remove_empty: true, use_classes: true }).map((entry) => ({
    text: entry.content,
    style: classes(entry),
  }));
}

/** The text with no escape sequences but those for styles; control characters as `^M`, as less(1) shows them. */
function onlyStyles(text: string): string {
  return text
    .replace(SEQUENCE, (_, parameters: string | undefined, final: string | undefined) =>
      final === "m" && /^[\d;:]*$/.test(parameters!) ? `\x1b[${parameters!.replaceAll(":", ";")}m` : "",
    )
    .replace(CONTROL, (character) => `^${String.fromCharCode(character.charCodeAt(0) ^ 0x40)}`);
}

function classes({ fg, bg, fg_truecolor, bg_truecolor, decorations }: AnserJsonEntry): string {
  const named = [];
  // On a coloured ground the text is in the colour of the page, whatever the script chose: that can always be read.
  if (bg) named.push(`on-${colourName(bg, bg_truecolor)}`);
  else if (fg) named.push(`ansi-${colourName(fg, fg_truecolor)}`);
  if (decorations.includes("bold")) named.push("ansi-bold");
  return named.join(" ");
}

type Rgb = readonly [number, number, number];

/** As terminals have them, to find the nearest one of any other colour. */
const COLOURS: Record<string, Rgb> = {
  black: [0, 0, 0], red: [187, 0, 0], green: [0, 187, 0], yellow: [187, 187, 0],
  blue: [0, 0, 187], magenta: [187, 0, 187], cyan: [0, 187, 187], white: [192, 192, 192],
  "bright-black": [110, 110, 110], "bright-red": [255, 85, 85], "bright-green": [85, 255, 85],
  "bright-yellow": [255, 255, 85], "bright-blue": [85, 85, 255], "bright-magenta": [255, 85, 255],
  "bright-cyan": [85, 255, 255], "bright-white": [255, 255, 255],
};

function colourName(name: string, rgb: string): string {
  if (name === "ansi-truecolor") return nearest(rgb.split(",").map(Number) as unknown as Rgb);
  const index = /^ansi-palette-(\d+)$/.exec(name)?.[1];
  return index === undefined ? name.slice("ansi-".length) : nearest(ofPalette(Number(index)));
}

/** The 256 colours of xterm from 16 on: a cube of 6 by 6 by 6, then 24 greys. */
function ofPalette(index: number): Rgb {
  if (index >= 232) return [0, 0, 0].map(() => 8 + 10 * (index - 232)) as unknown as Rgb;
  const level = (step: number) => (step ? 55 + 40 * step : 0);
  const cube = index - 16;
  return [level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)];
}

const found = new Map<string, string>();

function nearest(rgb: Rgb): string {
  const key = rgb.join();
  let name = found.get(key);
  if (name === undefined) {
    const distance = (other: Rgb) => rgb.reduce((sum, value, index) => sum + (value - other[index]!) ** 2, 0);
    [name] = Object.entries(COLOURS).reduce((best, each) => (distance(each[1]) < distance(best[1]) ? each : best));
    if (found.size < 1000) found.set(key, name);
  }
  return name;
}
