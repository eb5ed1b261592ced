/** Which file under `scripts_dir` a script's command runs, told by the command alone. */

export interface Places {
  /** Absolute path of `scripts_dir`. */
  folder: string;
  /** Absolute path that relative ones in the configuration start from. */
  base: string;
}

/** Why a command names no file: it runs `code` that stands in it, a program found on the `path`, and so on. */
type Why = "shell" | "path" | "variable" | "module" | "code";

export type Runs =
  /** A file under `scripts_dir`, which need not be there. */
  | { kind: "file"; path: string }
  /** One elsewhere, by its absolute path. */
  | { kind: "elsewhere"; path: string }
  | { kind: "inline"; why: Why };

const SHELL = /^(ba|da|z|k|a)?sh$/;
const INTERPRETER = /^(python[0-9.]*|perl|ruby|php[0-9.]*|node)$/;
/** With these no file is taken: `-c`, `-e`, a lone `-`. */
const CODE_OPTIONS = { shell: /^-[A-Za-z]*[cs]$|^-$/, other: /^-[A-Za-z]*[cer]$|^-$|^--eval/ };
/** After these comes what belongs to them: `-eo pipefail`, `-W ignore`. */
const WITH_VALUE = { shell: /^[-+][A-Za-z]*o$/, other: /^-[WX]$/ };
/** Programs that start the one named after them: their options that have a value, and how many words of their own. */
const STARTERS: Readonly<Record<string, { valued: RegExp; own: number }>> = {
  exec: { valued: /^-a$/, own: 0 },
  env: { valued: /^-[uC]$/, own: 0 },
  nice: { valued: /^-n$/, own: 0 },
  ionice: { valued: /^-[cn]$/, own: 0 },
  nohup: { valued: /^$/, own: 0 },
  time: { valued: /^$/, own: 0 },
  timeout: { valued: /^-[ks]$/, own: 1 },
};
const ASSIGNMENT = /^[A-Za-z_]\w*=/;
/** What a shell does by itself, and goes on to what follows. */
const PREPARATION = /^(set|umask|ulimit|export|:)$/;
const KEYWORD = /^(if|for|while|until|case|select|function|!|\{|\[)/;
/** Everything else means something to the shell. */
const LITERAL = /^[\p{L}\p{N}_@%+=:,./-]+$/u;

export function fileOf(config: Readonly<Record<string, unknown>>, places: Places): Runs {
  const { command, workdir } = config;
  const start = joined(places.base, typeof workdir === "string" ? workdir : ".");
  const found = Array.isArray(command) ? program(command.map(String)) : inShell(String(command ?? ""), envOf(config));
  if ("why" in found) return { kind: "inline", why: found.why };
  const path = joined(joined(start, found.within ?? "."), found.named);
  const folder = joined("/", places.folder);
  const prefix = folder === "/" ? "/" : `${folder}/`;
  if (!path.startsWith(prefix)) return { kind: "elsewhere", path };
  return { kind: "file", path: path.slice(prefix.length) };
}

type Found = { named: string; /** A folder that it is seen from. */ within?: string } | { why: Why };

function envOf({ env }: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(env ?? {}).map(([name, value]) => [name, String(value)]));
}

/** What a shell starts first, after it has gone to where that is. */
function inShell(text: string, env: ReadonlyMap<string, string>): Found {
  let within = ".";
  for (const { words, goesOn } of commands(text.trim(), env)) {
    const [name = "", folder = ""] = words;
    if (name === "cd" && words.length === 2 && goesOn) {
      if (!LITERAL.test(folder)) return { why: "variable" };
      within = folder.startsWith("/") ? folder : `${within}/${folder}`;
    } else if (!PREPARATION.test(name) || !goesOn) {
      const found = KEYWORD.test(name) || name === "cd" ? { why: "shell" as const } : program(words);
      return "why" in found ? found : { ...found, within };
    }
  }
  return { why: "shell" };
}

/** Simple commands in their order, as words without quotes; `goesOn`: another one follows where this one succeeds. */
function* commands(text: string, env: ReadonlyMap<string, string>): Iterable<{ words: string[]; goesOn: boolean }> {
  const known = (word: string) => word.replace(/\$(?:(\w+)|\{(\w+)\})/g, (all, one, other) => env.get(one ?? other) ?? all);
  let words: string[] = [];
  const tokens = /(\n|[;&|<>()]+)|"([^"]*)"|'([^']*)'|([^\s;&|<>()"']+)/g;
  for (const [, operator, double, single, bare] of text.matchAll(tokens)) {
    if (operator !== undefined) {
      const goesOn = operator === "&&" || operator === ";" || operator === "\n";
      yield { words, goesOn };
      if (!goesOn) return;
      words = [];
    } else {
      const word = single ?? known(double ?? bare ?? "");
      if (words.length || !ASSIGNMENT.test(word)) words.push(word);
    }
  }
  yield { words, goesOn: false };
}

/** The file that is started or interpreted, where one is named by its path. */
function program([first, ...rest]: readonly string[]): Found {
  if (first === undefined) return { why: "shell" };
  if (!LITERAL.test(first)) return { why: "variable" };
  const name = first.slice(first.lastIndexOf("/") + 1);
  const starter = Object.hasOwn(STARTERS, name) ? STARTERS[name]! : null;
  if (starter) return program(started(rest, starter));
  const kind = SHELL.test(name) ? "shell" : INTERPRETER.test(name) ? "other" : null;
  if (kind === null) return first.includes("/") ? { named: first } : { why: "path" };
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index]!;
    if (kind === "other" && /^-[A-Za-z]*m$/.test(word)) return { why: "module" };
    if (CODE_OPTIONS[kind].test(word)) return { why: "code" };
    if (WITH_VALUE[kind].test(word)) index += 1;
    else if (!/^[-+]/.test(word)) return LITERAL.test(word) ? { named: word } : { why: "variable" };
  }
  return { why: "code" };
}

/** What comes after a starter's own words. */
function started(words: readonly string[], { valued, own }: { valued: RegExp; own: number }): readonly string[] {
  let [index, left] = [0, own];
  for (; index < words.length; index += 1) {
    const word = words[index]!;
    if (valued.test(word)) index += 1;
    else if (!word.startsWith("-") && !ASSIGNMENT.test(word) && (left -= 1) < 0) break;
  }
  return words.slice(index);
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
