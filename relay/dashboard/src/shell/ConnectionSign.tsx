import { useEffect, useState } from "preact/hooks";
import type { Connection } from "../live/socket";
import { translated } from "../text/language";
import { connectionOf } from "../text/words";
import { Signed } from "../ui/Signed";

const words = translated({ en: { retry: "Retry now" }, "zh-Hant": { retry: "立即重試" } });

/** A path in a box of 16 by 16. */
const AGAIN = "M13 2v4.5H8.5l1.7-1.7a3.8 3.8 0 1 0 1.3 4.5l1.5.6A5.4 5.4 0 1 1 11.4 3.6Z";

interface Props {
  connection: Connection;
  online: boolean;
  paused: boolean;
  heardAt: number | null;
  onRetry(): void;
}

/** Whether what the page shows is the present; whatever it says, its height is the same. */
export function ConnectionSign({ connection, online, paused, heardAt, onRetry }: Props) {
  const [, setTicks] = useState(0);
  useEffect(() => {
    if (connection.kind !== "waiting") return;
    const timer = setInterval(() => setTicks((ticks) => ticks + 1), 250);
    return () => clearInterval(timer);
  }, [connection]);

  const { sign, text, detail } = connectionOf(connection, { online, paused, heardAt, now: Date.now() });
  return (
    <div class="connection" data-testid="connection">
      <span class="told">
        <Signed sign={sign} text={text} />
        {detail && (
          <span class="as-of line" title={detail}>
            {detail}
          </span>
        )}
      </span>
      {(connection.kind === "waiting" || connection.kind === "refused") && (
        <button type="button" class="icon" aria-label={words().retry} title={words().retry} onClick={onRetry}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d={AGAIN} />
          </svg>
        </button>
      )}
    </div>
  );
}
