/**
 * Client of the rich stream: keeps a connection to it and hands on every frame, each durable one exactly once.
 *
 * It resumes where it was, asks for a snapshot where something is missing, and never gives up unless the service
 * says that trying again is of no use.
 */
import type { Frame, Hello } from "../events";

export type Connection =
  | { kind: "connecting" }
  | { kind: "live" }
  /** Not connected, but the state of the service is asked for by requests. */
  | { kind: "polling" }
  /** Trying again at `until`, in Unix milliseconds. */
  | { kind: "waiting"; until: number }
  /** Not trying again by itself. */
  | { kind: "refused"; reason: string };

/** What is used of a browser's WebSocket. */
export type SocketLike = Pick<WebSocket, "onmessage" | "onclose" | "send" | "close">;

export interface StreamOptions {
  /** Address of the stream, without the parameters for resuming. */
  url: string;
  open(url: string): SocketLike;
  random(): number;
  onFrame(frame: Frame): void;
  onConnection(connection: Connection): void;
}

/** Longest wait before the first new attempt; doubles with each one, up to LONGEST_DELAY. Milliseconds. */
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30_000;
/** A connection attempt that has brought no greeting for so long has failed. Milliseconds. */
const GREETING_TIMEOUT = 10_000;
/** An attempt that has gone on for so long hangs, if there is a reason to think so. Milliseconds. */
const HANGS_AFTER = 1_000;
/** A connection that was live for so long was a sound one: the waits start small again. Milliseconds. */
const SOUND_AFTER = 3_000;
/** A connection over which nothing comes for so long is asked for a word, if samples used to come oftener. Milliseconds. */
const QUIET = 5_000;
/** Samples may be missing for so many times their usual interval. */
const INTERVALS = 2.5;
/** The word has to come within so many milliseconds: else the connection is taken for dead. */
const ANSWER_TIMEOUT = 5_000;

interface Position {
  epoch: string;
  seq: number;
}

export class Stream {
  readonly #options: StreamOptions;
  #connection: Connection = { kind: "connecting" };
  #socket: SocketLike | null = null;
  /** The one timer there is: for the greeting, the heartbeat or the next attempt. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #triedAt = 0;
  #liveSince: number | null = null;
  #heartbeat = 0;
  #sampledAt: number | null = null;
  /** From one sample to the next, in milliseconds. */
  #interval = Infinity;
  /** Where to resume; null without a snapshot that all later events were added to. */
  #position: Position | null = null;
  /** Where the snapshot that was announced stands. */
  #announced: Position | null = null;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  /** Connect at once: to begin with, or because a person does not want to wait. */
  connect(): void {
    this.#drop();
    this.#liveSince = this.#sampledAt = null;
    this.#triedAt = Date.now();
    const url = new URL(this.#options.url);
    if (this.#position) {
      url.searchParams.set("epoch", this.#position.epoch);
      url.searchParams.set("after", String(this.#position.seq));
    }
    const socket = this.#options.open(url.href);
    socket.onmessage = (event: MessageEvent<string>) => this.#receive(event.data);
    socket.onclose = (event: CloseEvent) => this.#closed(event.code, event.reason);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#retryLater(), GREETING_TIMEOUT);
    this.#become({ kind: "connecting" });
  }

  /** Be without a connection until `connect` is called. */
  stop(reason: string): void {
    this.#drop();
    this.#become({ kind: "refused", reason });
  }

  /**
   * The network came back or the page is looked at again: do not wait for a timer that may have been throttled, nor
   * for an attempt to connect that was made over a network which is no longer there.
   */
  wake(): void {
    const hangs = this.#connection.kind === "connecting" && Date.now() - this.#triedAt >= HANGS_AFTER;
    if (this.#connection.kind === "waiting" || hangs) this.connect();
    else this.probe();
  }

  /** See whether a connection that is taken for live still is. */
  probe(): void {
    if (this.#connection.kind === "live") this.#ping();
  }

  /** Say something to the service; lost where there is no connection. */
  send(message: object): void {
    if (this.#connection.kind === "live") this.#socket?.send(JSON.stringify(message));
  }

  #receive(text: string): void {
    if (this.#connection.kind === "live") this.#heard();
    let frame: Frame;
    try {
      frame = JSON.parse(text) as Frame;
    } catch {
      this.#startAfresh();
      return;
    }
    switch (frame.type) {
      case "hello":
        if (!this.#greeted(frame.data)) return;
        break;
      case "snapshot":
        this.#position = this.#announced;
        break;
      case "system_metrics":
        this.#sampled();
        break;
      case "script_status":
      case "script_changed":
      case "run_skipped":
        if (!this.#counted(frame.seq)) return;
    }
    this.#options.onFrame(frame);
    if (this.#position && this.#connection.kind === "connecting") this.#goLive();
  }

  /** False where the greeting makes no sense. */
  #greeted(hello: Hello): boolean {
    this.#heartbeat = hello.heartbeat_ms;
    if (!hello.resumed) {
      this.#position = null;
      this.#announced = { epoch: hello.epoch, seq: hello.seq };
    } else if (this.#position?.epoch !== hello.epoch) {
      this.#startAfresh();
      return false;
    }
    return true;
  }

  /** Whether a durable event is the next one; a doubled one is passed over, a missing one asks for a snapshot. */
  #counted(seq: number): boolean {
    if (this.#position && seq <= this.#position.seq) return false;
    if (this.#position?.seq !== seq - 1) {
      this.#startAfresh();
      return false;
    }
    this.#position.seq = seq;
    return true;
  }

  #goLive(): void {
    this.#liveSince = Date.now();
    this.#heard();
    this.#become({ kind: "live" });
  }

  #sampled(): void {
    const now = Date.now();
    if (this.#sampledAt !== null) this.#interval = now - this.#sampledAt;
    this.#sampledAt = now;
    if (this.#connection.kind === "live") this.#heard();
  }

  #heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ping(), Math.min(this.#heartbeat, Math.max(QUIET, INTERVALS * this.#interval)));
  }

  /** Ask for a word: browsers do not show a page the WebSocket pings that the service sends. */
  #ping(): void {
    this.#socket?.send('{"type":"ping"}');
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#retryLater(), ANSWER_TIMEOUT);
  }

  #closed(code: number, reason: string): void {
    if (code >= 4500 && code <= 4999) {
      this.stop(reason || `the service closed the connection with code ${code}`);
    } else {
      // The other codes that the service does not use (such as a proxy's) are no reason to show old data for ever.
      this.#retryLater();
    }
  }

  /** What is here cannot be built on: forget the position, so that the next connection brings a snapshot. */
  #startAfresh(): void {
    this.#position = null;
    this.#retryLater();
  }

  /** Wait as "full jitter" says, so that the pages that lost their service together do not return together. */
  #retryLater(): void {
    this.#drop();
    if (this.#liveSince !== null && Date.now() - this.#liveSince >= SOUND_AFTER) this.#attempts = 0;
    const delay = this.#options.random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.connect(), delay);
    this.#become({ kind: "waiting", until: Date.now() + delay });
  }

  /** Let go of the connection without waiting for its close, which on a dead network takes minutes. */
  #drop(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  #become(connection: Connection): void {
    this.#connection = connection;
    this.#options.onConnection(connection);
  }
}
