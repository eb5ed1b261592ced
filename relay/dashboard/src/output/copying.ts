/** Copying of lines as plain text. */
import { downloadPath, getOutput, MOST_LINES } from "../api/output";
import { request } from "../api/client";
import { plain } from "./ansi";

/** Both are numbers of lines. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** How many lines were copied. Raises ApiError, and whatever the browser says. */
export async function copyLines(id: string, span: Span | null): Promise<number> {
  const lines = (span ? await linesOf(id, span) : await allLines(id)).map(plain);
  await copy(lines.map((line) => `${line}\n`).join(""));
  return lines.length;
}

async function allLines(id: string): Promise<string[]> {
  const text = await (await request(downloadPath(id))).text();
  return text.replace(/\n$/, "").split(/\r?\n/);
}

async function linesOf(id: string, { first, last }: Span): Promise<string[]> {
  const lines: string[] = [];
  for (let from: number | null = first; from !== null && from <= last; ) {
    const page = await getOutput(id, { from, limit: Math.min(MOST_LINES, last + 1 - from) });
    if (page.from > last) break;
    lines.push(...page.lines.map(([, , text]) => text));
    from = page.next === from ? null : page.next;
  }
  return lines;
}

async function copy(text: string): Promise<void> {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Browsers have no clipboard for pages that come from another machine without TLS, but the command of old.
  const field = document.body.appendChild(document.createElement("textarea"));
  field.value = text;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("refused");
}
