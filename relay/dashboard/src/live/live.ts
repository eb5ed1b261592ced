/**
 * The live state of the service, for every part of the page.
 *
 * What comes in between two animation frames is one change of `latest`. While the tab is hidden, or the reader has
 * paused the page, `state`, which is what is drawn, stands still.
 */
import { computed, effect, signal, untracked } from "@preact/signals";
import { knowSession, mayLook, session } from "../access/session";
import { words as accessWords } from "../access/words";
import { getJson } from "../api/client";
import type { Frame, Gap, Output, RecentScript } from "../events";
import { Batch } from "./batch";
import { clock } from "./clock";
import { Polling } from "./polling";
import { type Connection, Stream } from "./socket";
import { type Arrival, EMPTY, RECENT, reduce, type State, withRecent } from "./store";

/** All that is known. */
export const latest = signal<State>(EMPTY);
/** What is shown of it. */
export const state = signal<State>(EMPTY);
export const online = signal(navigator.onLine);
export const visible = signal(document.visibilityState === "visible");
/** The reader asked for a page that does not move. */
export const paused = signal(false);

const streaming = signal<Connection>({ kind: "connecting" });
const answering = signal(false);

export const connection = computed<Connection>(() =>
  answering.value && streaming.value.kind !== "live" ? { kind: "polling" } : streaming.value,
);

/** Whether `latest` is the present. */
export const isLive = computed(() => connection.value.kind === "live" || connection.value.kind === "polling");

/** When what is shown was heard, where that is not the present; on this machine's clock. */
export const asOf = computed(() => (isLive.value && !paused.value ? null : state.value.heardAt));

const listeners = new Set<(frame: Frame) => void>();

/** Call `listener` with every frame as it comes, until the returned function is called. */
export function onFrame(listener: (frame: Frame) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const updates = new Batch<Arrival>((arrivals) => {
  latest.value = reduce(latest.value, arrivals);
});

function receive(frame: Frame): void {
  updates.add({ frame, at: Date.now() });
  listeners.forEach((listener) => listener(frame));
  if (frame.type === "script_changed" && frame.data.op === "updated") {
    clearTimeout(learning);
    learning = setTimeout(() => void learnRecent(), TOGETHER); // its logs may have been deleted
  }
}

/** Changes of scripts within so many milliseconds are looked at together. */
const TOGETHER = 200;
let learning: ReturnType<typeof setTimeout> | undefined;

/** What the service has told to be wrong is so no longer. */
export function mended(messages: readonly string[]): void {
  updates.flush();
  const { problem } = latest.value;
  if (problem && messages.includes(problem.message)) latest.value = { ...latest.value, problem: null };
}

/** When what a snapshot does not tell was asked for last, on this machine's clock; and whether one has come since. */
let learntAt = 0;
let isBehind = false;
/** Snapshots that were asked for tell of each script the last run: the others are asked for after so many milliseconds. */
const LEARN_ANEW = 60_000;

/** Ask for what the snapshot does not tell; without an answer the page does without until the next snapshot. */
async function learnRecent(): Promise<void> {
  updates.flush();
  const before = latest.value;
  try {
    const { scripts } = await getJson<{ scripts: RecentScript[] }>(`api/v1/recent?runs=${RECENT}`);
    learntAt = Date.now();
    isBehind = false;
    updates.flush(); // the rows, if they have not been drawn yet
    latest.value = withRecent(latest.value, scripts, before);
  } catch (error) {
    console.warn("The latest runs could not be asked for:", error);
  }
}

const stream = new Stream({
  url: streamAddress(),
  open: (url) => new WebSocket(url),
  random: Math.random,
  onFrame(frame) {
    receive(frame);
    if (frame.type === "snapshot") void learnRecent();
  },
  onConnection(changed) {
    streaming.value = changed;
    if (changed.kind === "live") {
      failures = 0;
      outputs.forEach(subscribe);
    }
    if (changed.kind === "refused" && mayLook()) void goOn(); // a session may be over
    if (changed.kind === "waiting") failures += 1;
    clearTimeout(hanging);
    if (changed.kind === "connecting") hanging = setTimeout(() => polling.start(), HANGS_AFTER);
    if (failures >= FAILURES_BEFORE_POLLING) polling.start();
    if (changed.kind === "live" || changed.kind === "refused") polling.stop();
  },
});

/** Where the service lets nobody in by a session any more, go on as whoever the reader is without it, if that may look. */
async function goOn(): Promise<void> {
  const before = session.value?.name;
  await knowSession();
  if (mayLook() && session.value?.name !== before) stream.connect();
}

/** An attempt to connect may hang on the way, as some proxies have it: then requests answer sooner. Milliseconds. */
const HANGS_AFTER = 3_000;
let hanging: ReturnType<typeof setTimeout> | undefined;

/** Attempts in vain after which it may be that only WebSockets do not get through. */
const FAILURES_BEFORE_POLLING = 2;
let failures = 0;
const polling = new Polling(
  (frames) => {
    frames.forEach(receive);
    isBehind ||= frames.some(({ type }) => type === "snapshot");
    if (isBehind && Date.now() - learntAt >= LEARN_ANEW) void learnRecent();
  },
  (is) => (answering.value = is),
);

function streamAddress(): string {
  const url = new URL("ws?v=1", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** One who follows a run's output. */
export interface OutputReader {
  runId: string;
  /** Number of the first line that is not there yet. */
  next(): number;
  onOutput(output: Output): void;
  /** Lines that were not sent are to be fetched. */
  onGap(gap: Gap): void;
}

const outputs = new Set<OutputReader>();

/** Hand on a run's output as it is written, until the returned function is called; over reconnections, too. */
export function followOutput(reader: OutputReader): () => void {
  const topic = `output:${reader.runId}`;
  const ignore = onFrame((frame) => {
    if (frame.type === "output" && frame.data.run_id === reader.runId) reader.onOutput(frame.data);
    if (frame.type === "gap" && frame.data.topic === topic) reader.onGap(frame.data);
  });
  outputs.add(reader);
  if (streaming.value.kind === "live") subscribe(reader);
  return () => {
    ignore();
    outputs.delete(reader);
    stream.send({ type: "unsubscribe", data: { topics: [topic] } });
  };
}

function subscribe(reader: OutputReader): void {
  const topic = `output:${reader.runId}`;
  stream.send({ type: "subscribe", data: { topics: [topic], from: { [topic]: reader.next() } } });
}

/** Do not wait for the next attempt. */
export function retry(): void {
  if (mayLook()) stream.connect();
  else void knowSession();
}

/** Show what a script has become, or that it is gone, also where the page stands still: for what the reader did. */
export function reveal(name: string): void {
  const rows = new Map(state.value.rows);
  const row = latest.value.rows?.get(name);
  if (row) rows.set(name, row);
  else rows.delete(name);
  state.value = { ...state.value, rows };
}

export function start(): void {
  effect(() => {
    clock.offset = latest.value.clockOffset;
    clock.stoppedAt = asOf.value;
  });
  effect(() => {
    if (visible.value && !paused.value) state.value = latest.value;
  });
  addEventListener("online", () => {
    online.value = true;
    stream.wake();
  });
  addEventListener("offline", () => {
    online.value = false;
    stream.probe();
  });
  document.addEventListener("visibilitychange", () => {
    visible.value = document.visibilityState === "visible"; // before what waits is known: a hidden page draws nothing
    updates.flush();
    if (visible.value) stream.wake();
  });
  clock.start(() => mayLook() && stream.connect()); // the greeting tells the service's time
  effect(() => {
    const isOfUse = mayLook();
    untracked(() => (isOfUse ? stream.connect() : stream.stop(accessWords().signedOut)));
  });
}
