/** Which field a fault belongs to. */
import type { Fault } from "../api/client";

/** The key of an entry that the fault is in; empty where it is about the whole. */
export function keyOf({ pointer }: Fault): string {
  return pathOf(pointer)[0] ?? "";
}

/** Which one of several things in that key; undefined where it is about all of them. */
export function partOf({ pointer }: Fault): string | undefined {
  return pathOf(pointer)[1];
}

/** What is wrong, without what stands beside it: the key, and the numbers of items in it. */
export function textOf({ pointer, message }: Fault): string {
  const path = pathOf(pointer);
  const told = path.reduce((all, part) => (/^\d+$/.test(part) ? `${all}[${part}]` : all ? `${all}.${part}` : part), "");
  if (!told || !message.startsWith(`${told}: `)) return message;
  const names = path.slice(1).filter((part) => !/^\d+$/.test(part));
  return [...names, message.slice(told.length + 2)].join(": ");
}

/** The parts of a JSON pointer that is written as a URI fragment (RFC 6901, 6). */
export function pathOf(pointer = ""): string[] {
  const parts = pointer.replace(/^#?\/?/, "").split("/").filter(Boolean);
  return parts.map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Lead the reader to the first of the controls below `root` that are at fault. */
export function focusFault(root: HTMLElement, faults: readonly Fault[]): void {
  const told = new Set(["yaml-faults", ...faults.map((fault) => `field-${keyOf(fault)}-faults`)]);
  const controls = [...root.querySelectorAll<HTMLElement>("[aria-invalid]")];
  controls.find((control) => control.getAttribute("aria-describedby")?.split(" ").some((id) => told.has(id)))?.focus();
}
