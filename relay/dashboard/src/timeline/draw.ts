/** How the timeline looks. */
import { colour, type ColourName } from "../shell/theme";
import { clockMinutes, clockTime, shortDate } from "../text/format";
import { resultOf, type Sign } from "../text/words";
import type { TimedRun } from "./collection";
import type { Lane, Placed, Stretch } from "./lane";
import { ticks, type View } from "./view";

export const AXIS = 30;
/** Marks of starts that did not happen have to stand so many pixels apart. */
const APART = 10;

/** A canvas of that size in CSS pixels, as sharp as the screen is; its context counts in CSS pixels. */
export function prepared(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const [w, h] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
  if (canvas.width !== w || canvas.height !== h) {
    [canvas.width, canvas.height] = [w, h];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d")!;
  context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** The times on top of the lanes, none on the first `taken` pixels; answers where they stand. */
export function drawAxis(canvas: HTMLCanvasElement, view: View, width: number, now: number, taken: number): number[] {
  const context = prepared(canvas, width, AXIS);
  const { step, at } = ticks(view, Math.max(2, width / 64));
  const x = (time: number) => ((time - view.from) / (view.to - view.from)) * width;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillStyle = colour("quiet");
  for (const time of at) {
    const midnight = step >= 3_600_000 && new Date(time).getHours() === 0;
    const text = midnight ? shortDate(time) : step < 60_000 ? clockTime(time) : clockMinutes(time);
    const half = context.measureText(text).width / 2;
    if (x(time) - half >= taken && x(time) + half <= width) context.fillText(text, x(time), 19);
  }
  if (now >= view.from && now <= view.to) {
    context.fillStyle = colour("active");
    context.beginPath();
    context.moveTo(x(now) - 5, AXIS - 7);
    context.lineTo(x(now) + 5, AXIS - 7);
    context.lineTo(x(now), AXIS);
    context.fill();
  }
  return at.map(x);
}

export function drawGrid(
  context: CanvasRenderingContext2D, at: readonly number[], now: number | null, width: number, height: number, lane: number,
): void {
  context.fillStyle = colour("line");
  for (const x of at) context.fillRect(Math.round(x), 0, 1, height);
  for (let y = 0; y <= height; y += lane) context.fillRect(0, y, width, 1);
  if (now === null) return;
  // What is to come has another ground than what was.
  context.globalAlpha = 0.35;
  context.fillStyle = colour("track");
  context.fillRect(now, 0, width - now, height);
  context.globalAlpha = 1;
}

export function drawNow(context: CanvasRenderingContext2D, now: number, height: number): void {
  context.fillStyle = colour("active");
  context.fillRect(Math.round(now) - 0.5, 0, 1.5, height);
}

/** A lane whose top is at `top`; its bars stand within `room`. */
export function drawLane(
  context: CanvasRenderingContext2D, lane: Lane, room: { top: number; height: number }, rhythm: string, width: number,
): void {
  drawPlanned(context, lane, room, rhythm);
  context.fillStyle = colour("warning");
  for (const { left, right } of lane.overlaps) {
    context.globalAlpha = 0.22;
    context.fillRect(left, room.top - 4, Math.max(2, right - left), room.height + 8);
    context.globalAlpha = 1;
    context.fillRect(left, room.top - 5, Math.max(2, right - left), 2);
  }
  // What went well first: where there is no room for all, what did not is what is seen.
  for (const placed of lane.runs) if (signOf(placed.run) === "good") drawBar(context, placed, room, width);
  for (const placed of lane.runs) {
    if (placed.run.status !== "skipped" && signOf(placed.run) !== "good") drawBar(context, placed, room, width);
  }
  let last = -Infinity;
  for (const placed of lane.runs) {
    if (placed.run.status !== "skipped" || placed.left - last < APART) continue; // it would hide the one before
    drawMark(context, placed, room);
    last = placed.left;
  }
}

function signOf(run: TimedRun): Sign {
  return run.waiting ? "idle" : resultOf(run).sign;
}

const BAR: Partial<Record<Sign, ColourName>> = { bad: "bad", warning: "warning", active: "active", good: "good" };

/** A bar; what failed has a foot, what is running an open end. */
function drawBar(
  context: CanvasRenderingContext2D, { run, left, width: length, row, rows }: Placed,
  room: { top: number; height: number }, width: number,
): void {
  const sign = signOf(run);
  const [from, to] = [Math.max(-8, left), Math.min(width + 8, left + length)];
  const gap = rows > 1 ? 1 : 0;
  const share = room.height / rows;
  const [top, height] = [room.top + row * share, Math.max(2, share - gap - (rows > 1 ? 0 : 4))];
  context.fillStyle = colour(BAR[sign] ?? "quiet");
  if (sign === "idle") {
    context.globalAlpha = 0.4;
    context.fillRect(from, top + height / 2 - 1, to - from, 2);
  } else if (sign === "active") {
    context.globalAlpha = 0.35;
    context.fillRect(from, top, to - from, height);
    context.globalAlpha = 1;
    context.fillRect(from, top, Math.min(3, to - from), height);
    context.fillRect(to - 2, top - 1, 2, height + 2);
  } else {
    context.globalAlpha = sign === "good" ? 0.72 : 1;
    context.beginPath();
    context.roundRect(from, top, to - from, height, Math.min(3, (to - from) / 2));
    context.fill();
  }
  context.globalAlpha = 1;
  if (sign === "bad" || sign === "warning") context.fillRect(from, room.top + room.height + 1, Math.max(3, to - from), 3);
}

/** A start that did not happen: a cross where the service was down, else a diamond. */
function drawMark(context: CanvasRenderingContext2D, { run, left }: Placed, room: { top: number; height: number }): void {
  const y = room.top + room.height / 2 - 1;
  context.fillStyle = colour("warning");
  context.beginPath();
  if (run.reason === "missed") {
    context.moveTo(left - 4, y - 4);
    context.lineTo(left + 4, y + 4);
    context.moveTo(left + 4, y - 4);
    context.lineTo(left - 4, y + 4);
    context.strokeStyle = colour("surface"); // an edge, as it may lie on a bar
    context.lineWidth = 5;
    context.stroke();
    context.strokeStyle = colour("warning");
    context.lineWidth = 2;
    context.stroke();
    return;
  }
  context.moveTo(left, y - 7);
  context.lineTo(left + 6, y);
  context.lineTo(left, y + 7);
  context.lineTo(left - 6, y);
  context.closePath();
  context.fill();
  context.strokeStyle = colour("surface");
  context.lineWidth = 1.5;
  context.stroke();
}

function drawPlanned(
  context: CanvasRenderingContext2D, lane: Lane, room: { top: number; height: number }, rhythm: string,
): void {
  context.strokeStyle = colour("quiet");
  context.lineWidth = 1;
  context.setLineDash([2, 2]);
  context.beginPath();
  for (const { left } of lane.ghosts) context.roundRect(left - 1.5, room.top + 0.5, 4, room.height - 5, 1.5);
  context.stroke();
  context.setLineDash([]);
  for (const band of lane.bands) drawBand(context, band, room, rhythm);
}

function drawBand(
  context: CanvasRenderingContext2D, { left, right }: Stretch, room: { top: number; height: number }, rhythm: string,
): void {
  const [top, height] = [room.top, room.height - 4];
  context.save();
  context.beginPath();
  context.roundRect(left, top, right - left, height, 3);
  context.clip();
  context.globalAlpha = 0.45;
  context.beginPath();
  for (let x = left - height - ((left - height) % 6); x < right; x += 6) {
    context.moveTo(x, top + height);
    context.lineTo(x + height, top);
  }
  context.stroke();
  context.globalAlpha = 1;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "start";
  const length = context.measureText(rhythm).width;
  if (rhythm && length + 16 < right - left) {
    context.fillStyle = colour("surface");
    context.beginPath();
    context.roundRect(left + 6, top + 1.5, length + 8, height - 3, 3);
    context.fill();
    context.fillStyle = colour("quiet");
    context.fillText(rhythm, left + 10, top + height / 2 + 4);
  }
  context.restore();
}
