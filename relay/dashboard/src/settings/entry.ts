/**
 * A script's entry in the configuration file as the fields of a form, and back.
 *
 * What a field may hold is for the service to say: whatever was typed is sent, and what is wrong comes back as a fault.
 * An empty field is a key that is not there, for which its default holds.
 */
export type Entry = Readonly<Record<string, unknown>>;

export interface Pair {
  readonly name: string;
  readonly value: string;
}

export interface Command {
  /** Run as it is, and not by a shell. */
  readonly isList: boolean;
  readonly text: string;
  readonly words: readonly string[];
}

export const KINDS = ["every", "cron", "at", "manual"] as const;
export type Kind = (typeof KINDS)[number];

/** The texts of kinds that are not chosen stay, for who changes his mind. */
export interface When {
  readonly kind: Kind;
  readonly every: string;
  readonly cron: string;
  readonly at: string;
}

/** Fields of several limits, each of which may be unset. */
export const LIMITS = {
  retention: ["runs", "days", "bytes"],
  limits: ["cpu_time", "memory", "open_files", "processes", "file_size"],
} as const;
export type LimitsField = keyof typeof LIMITS;
type Limits<F extends LimitsField> = Readonly<Record<(typeof LIMITS)[F][number], string>>;

const NUMBERS = [
  "timeout", "kill_after", "jitter", "retries", "retry_delay", "max_output", "success_age_limit", "nice",
] as const;
const TEXTS = [
  "name", "description", "timezone", "overlap", "missed", "workdir", "env_file", "user", "group", "umask",
] as const;
const LISTS = ["success_codes", "secrets"] as const;
export type TextField = (typeof NUMBERS)[number] | (typeof TEXTS)[number] | (typeof LISTS)[number];

/** What stands in the fields. */
export interface Draft extends Readonly<Record<TextField, string>> {
  readonly command: Command;
  readonly when: When;
  readonly enabled: boolean;
  readonly env: readonly Pair[];
  readonly labels: readonly Pair[];
  readonly retention: Limits<"retention">;
  readonly limits: Limits<"limits">;
  /** What no field is for, as it can be written in YAML. */
  readonly rest: Entry;
}

export type Field = keyof Draft;
export const FIELDS: readonly Field[] = [
  "name", "description", "command", "workdir", "env", "env_file", "secrets", "user", "group", "umask", "when", "timezone", "jitter", "timeout", "kill_after",
  "overlap", "max_output", "success_codes", "nice", "limits", "retries", "retry_delay", "missed", "success_age_limit", "labels",
  "retention", "enabled", "rest",
];

export function draftOf(entry: Entry): Draft {
  const rest: Record<string, unknown> = { ...entry };
  const take = <T>(key: string, fits: (value: unknown) => value is T): T | undefined => {
    const value = rest[key];
    if (!fits(value)) return undefined;
    delete rest[key];
    return value;
  };
  const text = (key: string) => String(take(key, isPlain) ?? "");
  const pairs = (key: string) =>
    Object.entries(take(key, isPlainMapping) ?? {}).map(([name, value]) => ({ name, value: String(value) }));
  const limits = <F extends LimitsField>(field: F) => {
    const given: Record<string, unknown> = take(field, isPlainMapping) ?? {};
    return Object.fromEntries(LIMITS[field].map((limit) => [limit, String(given[limit] ?? "")])) as Limits<F>;
  };
  const words = take("command", isPlainList);
  const [every, cron, at] = [text("every"), text("cron"), text("at")];
  const texts = Object.fromEntries([...NUMBERS, ...TEXTS].map((key) => [key, text(key)])) as Record<TextField, string>;
  return {
    ...texts,
    success_codes: (take("success_codes", isPlainList) ?? []).join(", "),
    secrets: (take("secrets", isPlainList) ?? []).join(", "),
    command: { isList: words !== undefined, text: text("command"), words: (words ?? []).map(String) },
    when: { kind: every ? "every" : cron ? "cron" : at ? "at" : "manual", every, cron, at },
    enabled: take("enabled", isBoolean) ?? true,
    env: pairs("env"),
    labels: pairs("labels"),
    retention: limits("retention"),
    limits: limits("limits"),
    rest,
  };
}

/** Whether two drafts say the same in a field. */
export function same(field: Field, one: Draft, other: Draft): boolean {
  return one[field] === other[field] || canonical(keysOf(field, one)) === canonical(keysOf(field, other));
}

/** What is to be merged into `base` (RFC 7396) for those fields in which the draft says something else. */
export function changes(base: Entry, draft: Draft): Record<string, unknown> {
  const before = draftOf(base);
  const patch: Record<string, unknown> = {};
  for (const field of FIELDS) {
    if (!same(field, before, draft)) Object.assign(patch, difference(keysOf(field, before), keysOf(field, draft)));
  }
  return patch;
}

/** The entry that the draft makes of `base`; what was not touched stays as it was written. */
export function entryOf(base: Entry, draft: Draft): Entry {
  return merged(base, changes(base, draft));
}

/** Names that stand twice, and values without a name: the service would never see them. */
export function unsendable(draft: Draft): { key: "env" | "labels"; name: string }[] {
  return (["env", "labels"] as const).flatMap((key) => {
    const names = draft[key].filter(({ name, value }) => name || value).map(({ name }) => name);
    return names.filter((name, index) => !name || names.indexOf(name) < index).map((name) => ({ key, name }));
  });
}

/** A command of words as a line for the shell. */
export function quoted(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}

/** The words of a line, where no shell is needed to tell them; else the line as one word. */
export function unquoted(line: string): string[] {
  const text = line.trim();
  if (!text) return [];
  return /^[\w\s./:=@%+,-]+$/.test(text) ? text.split(/\s+/) : [text];
}

/** The keys of the file that a field stands for, undefined where they are not to be there. */
function keysOf(field: Field, draft: Draft): Record<string, unknown> {
  switch (field) {
    case "command": {
      const { isList, text, words } = draft.command;
      return { command: isList ? words : text };
    }
    case "when": {
      const { kind, every, cron, at } = draft.when;
      return {
        every: kind === "every" ? number(every) : undefined,
        cron: kind === "cron" ? cron.trim() : undefined,
        at: kind === "at" ? at.trim() : undefined,
      };
    }
    case "enabled":
      return { enabled: draft.enabled ? undefined : false };
    case "env":
    case "labels": {
      const pairs = draft[field].filter(({ name }) => name);
      return { [field]: pairs.length ? Object.fromEntries(pairs.map(({ name, value }) => [name, value])) : undefined };
    }
    case "retention":
    case "limits": {
      const set = Object.entries<string>(draft[field]).filter(([, text]) => text.trim());
      return { [field]: set.length ? Object.fromEntries(set.map(([limit, text]) => [limit, number(text)])) : undefined };
    }
    case "success_codes":
    case "secrets": {
      const items = draft[field].split(/[\s,]+/).filter(Boolean);
      return { [field]: items.length ? (field === "secrets" ? items : items.map(number)) : undefined };
    }
    case "rest":
      return { ...draft.rest };
    default: {
      const text = draft[field].trim();
      const isNumber = (NUMBERS as readonly string[]).includes(field);
      return { [field]: text === "" ? undefined : isNumber ? number(text) : text };
    }
  }
}

/** Bare numbers are written as such. */
function number(text: string): number | string {
  const trimmed = text.trim();
  return /^-?(0|[1-9]\d{0,14})(\.\d{1,6})?$/.test(trimmed) ? Number(trimmed) : trimmed;
}

/** What merged into `before` makes `after` of it (RFC 7396). */
function difference(before: Entry, after: Entry): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[key], after[key]];
    if (canonical(old) === canonical(now)) continue;
    patch[key] = now === undefined ? null : isMapping(now) && isMapping(old) ? difference(old, now) : now;
  }
  return patch;
}

function merged(target: Entry, patch: Entry): Entry {
  const result: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const old = result[key];
    if (value === null) delete result[key];
    else result[key] = isMapping(value) && isMapping(old) ? merged(old, value) : value;
  }
  return result;
}

/** The same text for values that mean the same. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      isMapping(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
    ) ?? ""
  );
}

function isMapping(value: unknown): value is Entry {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === "boolean";
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function isPlainMapping(value: unknown): value is Readonly<Record<string, string | number | boolean>> {
  return isMapping(value) && Object.values(value).every(isPlain);
}

function isPlainList(value: unknown): value is readonly (string | number | boolean)[] {
  return Array.isArray(value) && value.every(isPlain);
}
