import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Frame } from "../events";
import { type Connection, type SocketLike, Stream } from "./socket";

const HEARTBEAT = 15_000;

/** The service's side of a connection. */
class FakeSocket implements SocketLike {
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  readonly sent: string[] = [];
  closed = false;

  constructor(readonly url: string) {}

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.closed = true;
  }

  get parameters(): Record<string, string> {
    return Object.fromEntries(new URL(this.url).searchParams);
  }

  say(type: string, data: object = {}, seq?: number): void {
    const text = JSON.stringify({ type, timestamp: "2026-01-31T19:00:00.000Z", seq, data });
    this.onmessage?.call(this as never, { data: text } as MessageEvent);
  }

  greet(epoch: string, seq: number, resumed = false): void {
    this.say("hello", { protocol: 1, epoch, seq, resumed, heartbeat_ms: HEARTBEAT });
    if (!resumed) this.say("snapshot");
  }

  end(code: number, reason = ""): void {
    this.onclose?.call(this as never, { code, reason } as CloseEvent);
  }
}

let sockets: FakeSocket[];
let frames: Frame[];
let connection: Connection;
let random: number;
let stream: Stream;

/** The socket opened last. */
const socket = () => sockets.at(-1)!;
const seqs = () => frames.flatMap((frame) => ("seq" in frame && frame.seq !== undefined ? [frame.seq] : []));

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  frames = [];
  random = 0.5;
  stream = new Stream({
    url: "ws://localhost/sub/ws?v=1",
    open: (url) => {
      sockets.push(new FakeSocket(url));
      return socket();
    },
    random: () => random,
    onFrame: (frame) => frames.push(frame),
    onConnection: (changed) => (connection = changed),
  });
  stream.connect();
});

afterEach(() => {
  vi.useRealTimers();
});

function waiting(): number {
  if (connection.kind !== "waiting") throw new Error(`is ${connection.kind}`);
  return connection.until - Date.now();
}

describe("waking up", () => {
  test("gives up an attempt that hangs, and tries anew at once", () => {
    const hanging = socket();
    vi.advanceTimersByTime(2_000);
    stream.wake();
    expect(hanging.closed).toBe(true);
    expect(sockets.length).toBe(2);
    socket().greet("e", 0);
    expect(connection.kind).toBe("live");
  });

  test("leaves an attempt alone that has only begun", () => {
    stream.wake();
    expect(sockets.length).toBe(1);
  });
});

describe("connecting", () => {
  test("asks for the rich stream and nothing to resume at first", () => {
    expect(socket().parameters).toEqual({ v: "1" });
    expect(connection.kind).toBe("connecting");
  });

  test("is live with the snapshot, not before", () => {
    socket().say("hello", { protocol: 1, epoch: "e", seq: 0, resumed: false, heartbeat_ms: HEARTBEAT });
    expect(connection.kind).toBe("connecting");
    socket().say("snapshot");
    expect(connection.kind).toBe("live");
    expect(frames.map((frame) => frame.type)).toEqual(["hello", "snapshot"]);
  });

  test("gives an attempt up that nobody greets", () => {
    vi.advanceTimersByTime(10_000);
    expect(connection.kind).toBe("waiting");
    expect(socket().closed).toBe(true);
  });

  test("hears nothing more of a connection that it let go of", () => {
    const first = socket();
    first.greet("e", 0);
    stream.connect();
    expect(first.closed).toBe(true);
    expect([first.onmessage, first.onclose]).toEqual([null, null]);
  });
});

describe("resuming", () => {
  test("goes on after the last durable event", () => {
    socket().greet("e", 6);
    socket().say("script_status", {}, 7);
    socket().end(1006);
    vi.advanceTimersByTime(waiting());
    expect(socket().parameters).toEqual({ v: "1", epoch: "e", after: "7" });
    socket().greet("e", 8, true);
    expect(connection.kind).toBe("live");
    socket().say("script_status", {}, 8);
    expect(seqs()).toEqual([7, 8]);
  });

  test("goes by the snapshot where the service could not resume", () => {
    socket().greet("e", 6);
    socket().end(1006);
    vi.advanceTimersByTime(waiting());
    socket().greet("f", 2);
    socket().say("script_status", {}, 3);
    socket().end(1006);
    vi.advanceTimersByTime(waiting());
    expect(socket().parameters).toMatchObject({ epoch: "f", after: "3" });
  });

  test("does not resume from a snapshot that was announced but never came", () => {
    socket().greet("e", 6);
    socket().end(1006);
    vi.advanceTimersByTime(waiting());
    socket().say("hello", { protocol: 1, epoch: "f", seq: 2, resumed: false, heartbeat_ms: HEARTBEAT });
    socket().end(1006);
    vi.advanceTimersByTime(waiting());
    expect(socket().parameters).toEqual({ v: "1" });
  });

  test("asks for a snapshot where the service claims to resume another epoch", () => {
    socket().greet("e", 6);
    socket().end(1006);
    vi.advanceTimersByTime(waiting());
    socket().greet("f", 6, true);
    vi.advanceTimersByTime(waiting());
    expect(socket().parameters).toEqual({ v: "1" });
  });
});

describe("durable events", () => {
  test("that came before are passed over", () => {
    socket().greet("e", 5);
    for (const seq of [4, 5, 6, 6, 7]) socket().say("script_status", {}, seq);
    expect(seqs()).toEqual([6, 7]);
  });

  test("of every kind are counted together", () => {
    socket().greet("e", 0);
    socket().say("script_status", {}, 1);
    socket().say("run_skipped", {}, 2);
    socket().say("script_changed", {}, 3);
    expect(seqs()).toEqual([1, 2, 3]);
    expect(connection.kind).toBe("live");
  });

  test("with a gap before them are not shown: a new connection brings a snapshot", () => {
    socket().greet("e", 5);
    socket().say("script_status", {}, 7);
    expect(seqs()).toEqual([]);
    expect(socket().closed).toBe(true);
    vi.advanceTimersByTime(waiting());
    expect(socket().parameters).toEqual({ v: "1" });
  });

  test("are not looked for in a frame that is no JSON: a new connection brings a snapshot", () => {
    socket().greet("e", 5);
    socket().onmessage?.call(socket() as never, { data: "<html>" } as MessageEvent);
    vi.advanceTimersByTime(waiting());
    expect(socket().parameters).toEqual({ v: "1" });
  });
});

describe("back-off", () => {
  test("has full jitter: anything from nothing to the bound, which doubles up to 30 s", () => {
    for (const bound of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]) {
      random = 0.999;
      socket().end(1006);
      expect(waiting()).toBeCloseTo(0.999 * bound);
      vi.advanceTimersByTime(waiting() + 1);
    }
    random = 0;
    socket().end(1006);
    expect(waiting()).toBe(0);
  });

  test("never ends", () => {
    for (let attempt = 0; attempt < 1000; attempt += 1) {
      socket().end(1006);
      vi.advanceTimersByTime(waiting());
    }
    expect(sockets).toHaveLength(1001);
  });

  test("starts small again after a connection that held", () => {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      socket().end(1006);
      vi.advanceTimersByTime(waiting());
    }
    socket().greet("e", 0);
    vi.advanceTimersByTime(10_000);
    const waits = [0, 1, 2].map(() => {
      socket().end(1006);
      const wait = waiting();
      vi.advanceTimersByTime(wait);
      return wait;
    });
    expect(waits).toEqual([500, 1000, 2000]);
  });

  test("goes on growing where connections are accepted only to be closed", () => {
    const waits = [0, 1, 2].map(() => {
      socket().greet("e", 0);
      socket().end(1013);
      const wait = waiting();
      vi.advanceTimersByTime(wait);
      return wait;
    });
    expect(waits).toEqual([500, 1000, 2000]);
  });

  test("is cut short by a person", () => {
    socket().end(1006);
    stream.connect();
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(9999);
    expect(sockets).toHaveLength(2);
  });
});

describe("close codes", () => {
  test.each([1000, 1001, 1006, 1011, 1012, 1013, 4000, 4008, 4499])("%i means to come again", (code) => {
    socket().greet("e", 0);
    socket().end(code);
    expect(connection.kind).toBe("waiting");
  });

  test.each([4500, 4501, 4503, 4999])("%i means not to, and the reason is told", (code) => {
    socket().greet("e", 0);
    socket().end(code, "malformed message");
    expect(connection).toEqual({ kind: "refused", reason: "malformed message" });
    stream.wake();
    vi.advanceTimersByTime(3_600_000);
    expect(sockets).toHaveLength(1);
  });

  test("without a reason is told by its number", () => {
    socket().end(4503);
    expect(connection).toMatchObject({ reason: "the service closed the connection with code 4503" });
  });
});

describe("heartbeat", () => {
  beforeEach(() => socket().greet("e", 0));

  test("asks for a word after one heartbeat of silence", () => {
    vi.advanceTimersByTime(HEARTBEAT - 1);
    expect(socket().sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(socket().sent).toEqual(['{"type":"ping"}']);
  });

  test("stays as long as pings are answered", () => {
    for (let beat = 0; beat < 10; beat += 1) {
      vi.advanceTimersByTime(HEARTBEAT);
      socket().say("pong", { id: null });
    }
    expect(sockets).toHaveLength(1);
    expect(connection.kind).toBe("live");
  });

  test("takes the connection for dead where no word comes within five seconds, and no sooner", () => {
    vi.advanceTimersByTime(HEARTBEAT / 2);
    socket().say("system_metrics");
    vi.advanceTimersByTime(HEARTBEAT + 4_999);
    expect(connection.kind).toBe("live");
    vi.advanceTimersByTime(1);
    expect(connection.kind).toBe("waiting");
  });

  test.each([[2_000, 5_000], [4_000, 10_000], [10_000, HEARTBEAT]])(
    "asks sooner where samples that came every %d ms stay away: after %d ms",
    (interval, quiet) => {
      socket().say("system_metrics");
      vi.advanceTimersByTime(interval);
      socket().say("system_metrics");
      vi.advanceTimersByTime(quiet - 1);
      expect(socket().sent).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(socket().sent).toEqual(['{"type":"ping"}']);
    },
  );
});

describe("waking", () => {
  test("connects at once while waiting", () => {
    random = 1;
    socket().end(1006);
    stream.wake();
    expect(connection.kind).toBe("connecting");
    expect(sockets).toHaveLength(2);
  });

  test("leaves an attempt under way alone", () => {
    stream.wake();
    expect(sockets).toHaveLength(1);
  });

  test("asks a live connection for a word, and has it answered within five seconds", () => {
    socket().greet("e", 0);
    stream.wake();
    expect(socket().sent).toEqual(['{"type":"ping"}']);
    vi.advanceTimersByTime(5_000);
    expect(connection.kind).toBe("waiting");
  });

  test("believes a live connection that answers", () => {
    socket().greet("e", 0);
    stream.wake();
    socket().say("pong", { id: null });
    vi.advanceTimersByTime(HEARTBEAT + 4_999);
    expect(connection.kind).toBe("live");
  });
});
