import { useEffect, useState } from "preact/hooks";
import type { Connection } from "../live/socket";
import { translated } from "../text/language";
import { connectionOf } from "../text/words";
import { Signed } from "../ui/Signed";

const words = translated({ en: { retry: "Retry now" }, "zh-Hant": { retry: "立即重試" } });

interface Props {
  connection: Connection;
  online: boolean;
  paused: boolean;
  heardAt: number | null;
  onRetry(): void;
}

/** Whether what the page shows is the present. */
export function ConnectionSign({ connection, online, paused, heardAt, onRetry }: Props) {
  const [, setTicks] = useState(0);
  useEffect(() => {
    if (connection.kind !== "waiting") return;
    const timer = setInterval(() => setTicks((ticks) => ticks + 1), 250);
    return () => clearInterval(timer);
  }, [connection]);

  const { sign, text } = connectionOf(connection, { online, paused, heardAt, now: Date.now() });
  return (
    <div class="connection" data-testid="connection">
      <Signed sign={sign} text={text} />
      {(connection.kind === "waiting" || connection.kind === "refused") && (
        <button type="button" onClick={onRetry}>
          {words().retry}
        </button>
      )}
    </div>
  );
}
