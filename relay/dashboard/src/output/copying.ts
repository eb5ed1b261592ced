/** Copying of lines as plain text. */
import { downloadPath, getOutput, MOST_LINES } from "../api/output";
import { request } from "../api/client";
import type { Stream } from "../events";
import { plain } from "./ansi";
import type { Selected } from "./selection";
import { words } from "./words";

/** Both are numbers of lines. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** Copy what is selected; how many lines that is. Raises as `copyLines`. */
export async function copySelected(id: string, { from, to }: Selected, stream: Stream | undefined): Promise<number> {
  const lines = (await linesOf(id, { first: from.line, last: to.line }, stream)).map(plain);
  const last = lines.length - 1;
  if (last >= 0) {
    lines[last] = lines[last]!.slice(0, to.at);
    lines[0] = lines[0]!.slice(from.at);
  }
  await copy(lines.join("\n"));
  return lines.length;
}

/** Of so many; how many lines were copied. Raises ApiError, and Error where the browser does not allow it. */
export async function copyLines(id: string, span: Span | null, total: number): Promise<number> {
  const some = span && (span.first > 0 || span.last < total - 1);
  const lines = (some ? await linesOf(id, span) : await allLines(id)).map(plain);
  await copy(lines.map((line) => `${line}\n`).join(""));
  return lines.length;
}

async function allLines(id: string): Promise<string[]> {
  const text = await (await request(downloadPath(id))).text();
  return text.replace(/\n$/, "").split(/\r?\n/);
}

async function linesOf(id: string, { first, last }: Span, stream?: Stream): Promise<string[]> {
  const lines: string[] = [];
  for (let from: number | null = first; from !== null && from <= last; ) {
    const page = await getOutput(id, { from, limit: Math.min(MOST_LINES, last + 1 - from) }, { stream });
    for (const [index, [, , text]] of page.lines.entries()) {
      if ((page.numbers?.[index] ?? page.from + index) <= last) lines.push(text);
    }
    from = page.next === from ? null : page.next;
  }
  return lines;
}

async function copy(text: string): Promise<void> {
  if (navigator.clipboard ? await written(text) : commanded(text)) return;
  throw new Error(words().notCopied);
}

async function written(text: string): Promise<boolean> {
  return navigator.clipboard.writeText(text).then(
    () => true,
    () => false,
  );
}

/** Browsers have no clipboard for pages that come from another machine without TLS, but the command of old. */
function commanded(text: string): boolean {
  const field = document.body.appendChild(document.createElement("textarea"));
  field.value = text;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
