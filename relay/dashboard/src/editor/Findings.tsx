import type { Finding } from "../api/files";
import { count } from "../text/format";
import { Signed } from "../ui/Signed";
import { words } from "./words";

interface Props {
  /** Null where that is not known yet. */
  findings: readonly Finding[] | null;
  onJump?(line: number, column: number): void;
}

/** What is wrong with a text, in its order. */
export function Findings({ findings, onJump }: Props) {
  const t = words();
  if (!findings) return null;
  if (!findings.length) return <p class="note findings">{t.sound}</p>;
  return (
    <ul class="findings">
      {findings.map(({ line, column, severity, message, language = "en" }, index) => (
        <li key={index}>
          <Signed sign={severity === "error" ? "bad" : "warning"} text={t[severity]} />
          {onJump ? (
            <button type="button" class="quiet" onClick={() => onJump(line, column)}>
              {t.line(count(line))}
            </button>
          ) : (
            <span class="note">{t.line(count(line))}</span>
          )}
          <span class="what" lang={language}>
            {message}
          </span>
        </li>
      ))}
    </ul>
  );
}
