import { useMemo } from "preact/hooks";
import type { Connection } from "../socket";
import { countRunning, type State } from "../store";
import { ConnectionSign } from "./ConnectionSign";
import { Empty } from "./Empty";
import { Notice } from "./Notice";
import { Scripts } from "./Scripts";
import { Tiles } from "./Tiles";

interface Props {
  state: State;
  connection: Connection;
  online: boolean;
  onRetry(): void;
}

export function Page({ state, connection, online, onRetry }: Props) {
  const { rows, system, problem, heardAt } = state;
  const running = useMemo(() => (rows ? countRunning(rows) : 0), [rows]);
  const scripts = useMemo(() => rows && (rows.size ? <Scripts rows={rows} /> : <Empty />), [rows]);
  return (
    <>
      <header>
        <h1>Cronscope</h1>
        <ConnectionSign connection={connection} online={online} heardAt={heardAt} onRetry={onRetry} />
      </header>
      <main class={connection.kind === "live" ? "" : "stale"}>
        {problem && <Notice problem={problem} />}
        {system && <Tiles system={system} running={running} />}
        {scripts}
      </main>
    </>
  );
}
