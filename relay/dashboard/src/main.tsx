import { render } from "preact";
import { Batch } from "./batch";
import { Clock, ClockContext } from "./clock";
import { Page } from "./components/Page";
import { type Connection, Stream } from "./socket";
import { type Arrival, EMPTY, reduce } from "./store";

const root = document.getElementById("page")!;
root.replaceChildren();

const clock = new Clock();
let state = EMPTY;
let connection: Connection = { kind: "connecting" };

const updates = new Batch<Arrival>((arrivals) => {
  state = reduce(state, arrivals);
  clock.offset = state.clockOffset;
  clock.stoppedAt = connection.kind === "live" ? null : state.heardAt;
  render(
    <ClockContext.Provider value={clock}>
      <Page state={state} connection={connection} online={navigator.onLine} onRetry={() => stream.connect()} />
    </ClockContext.Provider>,
    root,
  );
});

const stream = new Stream({
  url: streamAddress(),
  open: (url) => new WebSocket(url),
  random: Math.random,
  onFrame: (frame) => updates.add({ frame, at: Date.now() }),
  onConnection: (changed) => {
    connection = changed;
    updates.request();
  },
});

function streamAddress(): string {
  const url = new URL("ws?v=1", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

addEventListener("online", () => stream.wake());
addEventListener("offline", () => updates.request());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") stream.wake();
});
clock.start();
stream.connect();
