import { beforeEach, expect, test } from "vitest";
import type { OutputPage } from "../api/output";
import { type Line, PAGE } from "./pages";
import { allRows, RunOutput, type Unfinished, withUnfinished } from "./runOutput";
import { Scan } from "./scan";

let total: number;
/** The dropped stretch: number of its marker, and of the line after it. */
let gap: [number, number] | null;
let unfinished: Unfinished[];
let asked: [number, number][];
let broken: boolean;
let output: RunOutput;

function line(number: number): Line {
  return [number, number % 10 ? "stdout" : "stderr", `line ${number}`];
}

/** What the service answers. */
async function ask(from: number, limit: number): Promise<OutputPage> {
  asked.push([from, limit]);
  if (broken) throw new Error("The service cannot be reached.");
  const base = { run_id: "R", script_name: "backup", end: false, total, numbers: null, dropped_from: null };
  const inside = gap && from > gap[0] && from < gap[1];
  const first = inside ? gap![1] : from;
  const end = Math.min(total, first + limit, gap && first <= gap[0] ? gap[0] + 1 : total);
  const partial = end === total ? unfinished : [];
  const lines = Array.from({ length: Math.max(0, end - first) }, (_, index) => line(first + index));
  const next = gap && end === gap[0] + 1 ? gap[1] : end;
  return { ...base, partial, from: first, lines, next, dropped_from: inside ? gap![0] : null };
}

beforeEach(() => {
  total = 10_000;
  gap = null;
  unfinished = [];
  asked = [];
  broken = false;
  output = new RunOutput({ ask, onChange() {} });
});

async function look(first: number, end: number): Promise<void> {
  output.want(first, end);
  await new Promise((resolve) => setTimeout(resolve));
}

test("lines are fetched where somebody looks, by whole pages, and once", async () => {
  await output.open();
  asked = [];
  await look(7_300, 7_360);
  await look(7_310, 7_370);
  expect(asked).toEqual([[7_000, PAGE]]);
  expect(output.pages.get(7_345)?.[2]).toBe("line 7345");
});

test("what is passed over in a hurry is not fetched", async () => {
  await output.open();
  asked = [];
  output.want(2_000, 2_050);
  output.want(4_000, 4_050);
  await look(8_000, 8_050);
  expect(asked).toEqual([[2_000, PAGE], [8_000, PAGE]]);
});

test("the dropped middle is one row", async () => {
  gap = [50, 9_950];
  await output.open();
  expect(output.gaps.rowOf(output.total!)).toBe(101);
  await look(40, 10_000);
  expect(output.gaps.lineOf(51)).toBe(9_950);
  expect(output.pages.get(9_999)?.[2]).toBe("line 9999");
});

test("a dropped stretch that is looked into is learned of then", async () => {
  gap = [1_000, 4_000];
  await output.open();
  await look(3_000, 3_050);
  expect(output.gaps.rowOf(output.total!)).toBe(7_001);
});

test("the stream adds lines, and a place where it left some out is fetched", async () => {
  await output.open();
  output.append({ run_id: "R", script_name: "backup", from: 10_000, lines: [line(10_000)], end: false });
  expect(output.total).toBe(10_001);
  total = 12_001;
  output.append({ run_id: "R", script_name: "backup", from: 12_000, lines: [line(12_000)], end: false });
  await look(11_990, 12_001);
  expect(output.pages.get(11_995)?.[2]).toBe("line 11995");
});

test("lines that are not finished follow the others until the stream tells otherwise", async () => {
  total = 1;
  unfinished = [["stdout", "7%"], ["stderr", "Password: "]];
  await output.open();
  const rows = withUnfinished(allRows(output), output, undefined);
  expect([rows.count, rows.finished, rows.line(1)?.[2], rows.line(2)?.[2], rows.numberOf(2)]).toEqual([3, 1, "7%", "Password: ", 2]);
  expect(withUnfinished(allRows(output), output, "stderr").line(1)?.[2]).toBe("Password: ");
  const late = output.more();
  output.append({ run_id: "R", script_name: "backup", from: 1, lines: [], end: false, partial: [["stdout", "8%"]] });
  await late;
  expect(output.unfinished).toEqual([["stdout", "8%"]]);
  output.append({ run_id: "R", script_name: "backup", from: 1, lines: [line(1)], end: false });
  expect(output.unfinished).toEqual([]);
});

test("while it is held nothing is added, wherever one looks", async () => {
  total = 1_000;
  await output.open();
  output.held = true;
  total = 2_000;
  await look(990, 1_000);
  expect(output.total).toBe(1_000);
  output.held = false;
  await output.more();
  expect(output.total).toBe(2_000);
});

test("lines that are said to be there but are not are not asked for without end", async () => {
  await output.open();
  total = 100;
  await look(7_000, 7_050);
  expect(asked.length).toBeLessThan(5);
});

test("what goes wrong is told, and trying again goes on from there", async () => {
  broken = true;
  expect(await output.open()).toBe(false);
  expect(output.problem).toEqual(new Error("The service cannot be reached."));
  broken = false;
  await output.retry();
  expect([output.problem, output.total]).toEqual([null, 10_000]);
});

test("a scan goes through the whole, ends where a run under way stands, and goes on later", async () => {
  total = 3_000;
  const scan = new Scan({ ask: found, keeping: true, onChange() {} });
  await scan.go(total);
  expect([scan.numbers.length, scan.done]).toEqual([300, true]);
  asked = [];
  await scan.go(total);
  expect(asked).toEqual([]);
  total = 3_020;
  await scan.go(total);
  expect(scan.numbers.slice(-2)).toEqual([3_000, 3_010]);
  expect([scan.rows.line(301)?.[2], scan.rows.rowOf(3_005), scan.rows.numberOf(301)]).toEqual(["line 3010", 301, 3_010]);
});

/** Those of standard error. */
async function found(from: number): Promise<OutputPage> {
  const page = await ask(from, 1_000);
  const numbers = page.lines.map(([number]) => number).filter((number) => number % 10 === 0);
  return { ...page, lines: numbers.map(line), numbers };
}
