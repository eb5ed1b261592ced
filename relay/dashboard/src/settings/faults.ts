/** Which field a fault belongs to. */
import type { Fault } from "../api/client";

/** The key of an entry that the fault is in; empty where it is about the whole. */
export function keyOf({ pointer }: Fault): string {
  return pathOf(pointer)[0] ?? "";
}

/** What is wrong, without the key, which stands beside it. */
export function textOf(fault: Fault): string {
  const key = pathOf(fault.pointer).reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path ? `${path}.${part}` : part), "");
  return key && fault.message.startsWith(`${key}: `) ? fault.message.slice(key.length + 2) : fault.message;
}

/** The parts of a JSON pointer that is written as a URI fragment (RFC 6901, 6). */
export function pathOf(pointer = ""): string[] {
  const parts = pointer.replace(/^#?\/?/, "").split("/").filter(Boolean);
  return parts.map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Lead the reader to the first of the controls below `root` that are at fault. */
export function focusFault(root: HTMLElement, faults: readonly Fault[]): void {
  const ids = new Set(["yaml", ...faults.map((fault) => `field-${keyOf(fault)}`)]);
  const controls = [...root.querySelectorAll<HTMLElement>("[aria-invalid]")];
  controls.find(({ id }) => ids.has(id))?.focus();
}
