import { useEffect, useState } from "preact/hooks";
import type { Connection } from "../socket";
import { connectionOf } from "../words";
import { Signed } from "./Signed";

interface Props {
  connection: Connection;
  online: boolean;
  heardAt: number | null;
  onRetry(): void;
}

/** Whether what the page shows is the present. */
export function ConnectionSign({ connection, online, heardAt, onRetry }: Props) {
  const [, setTicks] = useState(0);
  useEffect(() => {
    if (connection.kind !== "waiting") return;
    const timer = setInterval(() => setTicks((ticks) => ticks + 1), 250);
    return () => clearInterval(timer);
  }, [connection]);

  const { sign, text, quiet } = connectionOf(connection, online, heardAt, Date.now());
  return (
    <div class="connection">
      {/* Announced when the connection changes, not with every second of the countdown. */}
      <span class="unseen" role="status" aria-live="polite">
        {quiet}
      </span>
      <span aria-hidden="true">
        <Signed sign={sign} text={text} />
      </span>
      {(connection.kind === "waiting" || connection.kind === "refused") && (
        <button type="button" onClick={onRetry}>
          Retry now
        </button>
      )}
    </div>
  );
}
