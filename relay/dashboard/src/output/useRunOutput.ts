import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";
import { getOutput } from "../api/output";
import { connection, followOutput, isLive, paused } from "../live/live";
import { RunOutput } from "./runOutput";

/** From one question for new lines to the next, where the stream does not bring them: milliseconds. */
const PAUSE = 2_000;

export interface FollowedOutput {
  readonly output: RunOutput;
  /** Another one whenever something in `output` is. */
  readonly version: ReadonlySignal<number>;
}

/** A run's output, kept up to date as long as it is under way. */
export function useRunOutput(id: string, running: boolean): FollowedOutput {
  const followed = useMemo(() => {
    const version = signal(0);
    const onChange = withNextFrame(() => (version.value += 1));
    return { output: new RunOutput({ ask: (from, limit) => getOutput(id, { from, limit }), onChange }), version };
  }, [id]);
  const { output, version } = followed;
  void version.value;
  const known = output.total !== null;
  const still = (output.held = paused.value);
  useEffect(() => void output.open(), [output]);
  useEffect(() => {
    if (!known || !running || still) return;
    return followOutput({
      runId: id,
      next: () => output.total!,
      onOutput: (lines) => output.append(lines),
      onGap: () => void output.more(),
    });
  }, [output, known, running, still]);
  // The end of a run is told beside its output: what came in between is asked for.
  useEffect(() => {
    if (known && !running && !still) void output.more();
  }, [output, known, running, still]);
  const polling = connection.value.kind === "polling";
  useEffect(() => {
    if (!polling || !running || still) return;
    const timer = setInterval(() => void output.more(), PAUSE);
    return () => clearInterval(timer);
  }, [output, polling, running, still]);
  const live = isLive.value;
  useEffect(() => {
    if (live && output.problem !== null) void output.retry();
  }, [output, live]);
  return followed;
}

/** The same with the next frame, however often it is called until then; while the page is hidden, not at all. */
function withNextFrame(call: () => void): () => void {
  let scheduled = false;
  return () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      call();
    });
  };
}

/** Have the component drawn anew. */
export function useRedraw(): () => void {
  const [, setDrawn] = useState(0);
  return useMemo(() => () => setDrawn((drawn) => drawn + 1), []);
}
