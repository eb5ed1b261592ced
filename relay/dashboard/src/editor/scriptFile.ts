/** Which file under `scripts_dir` a script's command runs, told by the command alone. */

export interface Places {
  /** Absolute path of `scripts_dir`. */
  folder: string;
  /** Absolute path that relative ones in the configuration start from. */
  base: string;
}

export type Runs =
  /** A file under `scripts_dir`, which need not be there. */
  | { kind: "file"; path: string }
  /** One elsewhere, by its absolute path. */
  | { kind: "elsewhere"; path: string }
  /** No file that the command names by itself: a shell's own words, or a program from PATH. */
  | { kind: "inline" };

const INLINE: Runs = { kind: "inline" };
const SHELL = /^(ba|da|z|k|a)?sh$/;
const INTERPRETER = /^(python[0-9.]*|perl|ruby|php[0-9.]*|node)$/;
/** Programs that start the one named after them. */
const STARTER = /^(exec|env|nice|nohup|time)$/;
/** With these no file is taken: `-c`, `-m`, `-e`, a lone `-`. */
const CODE_OPTIONS = { shell: /^-[A-Za-z]*[cs]$|^-$/, other: /^-[A-Za-z]*[cemr]$|^-$|^--eval/ };
/** After these comes what belongs to them: `-eo pipefail`, `-W ignore`. */
const WITH_VALUE = { shell: /^[-+][A-Za-z]*o$/, other: /^-[WX]$/ };
const ASSIGNMENT = /^[A-Za-z_]\w*=/;
/** Everything else means something to the shell. */
const LITERAL = /^[\p{L}\p{N}_@%+=:,./-]+$/u;

export function fileOf(config: Readonly<Record<string, unknown>>, places: Places): Runs {
  const { command, workdir } = config;
  const words = typeof command === "string" ? firstCommand(command) : Array.isArray(command) ? command.map(String) : [];
  const named = program(words);
  if (named === null) return INLINE;
  const path = joined(joined(places.base, typeof workdir === "string" ? workdir : "."), named);
  const folder = joined("/", places.folder);
  const prefix = folder === "/" ? "/" : `${folder}/`;
  if (!path.startsWith(prefix)) return { kind: "elsewhere", path };
  return { kind: "file", path: path.slice(prefix.length) };
}

/** The words of what a shell starts first, without their quotes. */
function firstCommand(text: string): string[] {
  const [line = ""] = text.trim().split("\n");
  const words: string[] = [];
  for (const [, operator, double, single, bare] of line.matchAll(/([;&|<>()]+)|"([^"]*)"|'([^']*)'|([^\s;&|<>()"']+)/g)) {
    if (operator) break;
    words.push(double ?? single ?? bare ?? "");
  }
  const first = words.findIndex((word) => !ASSIGNMENT.test(word));
  return first < 0 ? [] : words.slice(first);
}

/** The file that is started or interpreted; null where none is named by its path. */
function program([first, ...rest]: string[]): string | null {
  if (first === undefined || !LITERAL.test(first)) return null;
  const name = first.slice(first.lastIndexOf("/") + 1);
  if (STARTER.test(name)) return program(rest.slice(Math.max(0, rest.findIndex((word) => !/^-|=/.test(word)))));
  const kind = SHELL.test(name) ? "shell" : INTERPRETER.test(name) ? "other" : null;
  if (kind === null) return first.includes("/") ? first : null;
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index]!;
    if (CODE_OPTIONS[kind].test(word)) return null;
    if (WITH_VALUE[kind].test(word)) index += 1;
    else if (!/^[-+]/.test(word)) return LITERAL.test(word) ? word : null;
  }
  return null;
}

/** `path` as seen from `from`, without `.` and `..`. */
function joined(from: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${from}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The names of the scripts that run each file under `scripts_dir`, by the file's path. */
export function usersOf(
  scripts: readonly { name: string; config: Readonly<Record<string, unknown>> }[],
  places: Places,
): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>();
  for (const { name, config } of scripts) {
    const found = fileOf(config, places);
    if (found.kind === "file") users.set(found.path, [...(users.get(found.path) ?? []), name]);
  }
  return users;
}
