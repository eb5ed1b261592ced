/** A script's entry as YAML text, and back; loaded where it is needed, for it brings a parser. */
import { isAlias, isScalar, LineCounter, parseDocument, stringify, visit } from "yaml";
import type { Fault } from "../api/client";
import type { Entry } from "./entry";
import { pathOf } from "./faults";
import type { ServiceSettings } from "./service";
import { words } from "./yamlWords";

export function toYaml(entry: Entry): string {
  return stringify(entry, { lineWidth: 0 });
}

export interface Parsed {
  readonly entry: Entry | null;
  /** What keeps the text from being an entry. */
  readonly faults: readonly Fault[];
  /** The line (from 1) of what a JSON pointer as `#/env/LANG` leads to; of the nearest thing around it. */
  lineOf(pointer: string): number;
}

export function fromYaml(text: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineOf = (pointer: string) => {
    for (const path = pathOf(pointer); path.length; path.pop()) {
      const node = document.getIn(path.map((part) => (/^\d+$/.test(part) ? Number(part) : part)), true);
      if (isScalar(node) || hasRange(node)) return lines.linePos(node.range?.[0] ?? 0).line;
    }
    return 1;
  };
  const at = (offset: number, message: string) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col, message };
  };
  const fault = (message: string, offset = 0) => ({ entry: null, faults: [at(offset, message)], lineOf });
  if (document.errors.length) {
    const faults = document.errors.map(({ code, pos }) => at(pos[0], words().yamlFaults[code]));
    return { entry: null, faults, lineOf };
  }
  let alias: number | null = null;
  visit(document, {
    // What would read otherwise than it is written, as 010 or 1.50, stays text.
    Scalar(_, node) {
      if (typeof node.value === "number" && node.source !== undefined && String(node.value) !== node.source) {
        node.value = node.source;
      }
    },
    Alias: (_, node) => {
      if (isAlias(node)) alias ??= node.range?.[0] ?? 0;
    },
  });
  if (alias !== null) return fault(words().noAlias, alias);
  const value: unknown = document.toJS();
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fault(words().noMapping);
  }
  return { entry: value as Entry, faults: [], lineOf };
}

function hasRange(node: unknown): node is { range?: [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node;
}

/** The service's own settings in the text of its configuration file. */
export function serviceSettings(config: string): ServiceSettings {
  const settings = (parseDocument(keysOf(config, ["timezone", "retention"])).toJS() ?? {}) as Entry;
  const retention = (settings["retention"] ?? {}) as Entry;
  return {
    timezone: String(settings["timezone"] ?? "local"),
    retention: {
      runs: String(retention["runs"] ?? 200),
      days: String(retention["days"] ?? 30),
      bytes: String(retention["bytes"] ?? "256MiB"),
    },
  };
}

/** The part of a configuration that is about some top-level keys: with thousands of scripts the whole takes long. */
function keysOf(config: string, wanted: readonly string[]): string {
  let inside = false;
  const lines = config.split("\n").filter((line) => {
    const key = /^([A-Za-z_]+):/.exec(line)?.[1];
    if (key !== undefined) inside = wanted.includes(key);
    return inside;
  });
  return lines.join("\n");
}
