import type { ComponentChildren } from "preact";
import type { SystemMetrics } from "../events";
import { bytes, count, percent } from "../format";
import { Bar } from "./Bar";

/** The machine and the service at a glance. */
export function Tiles({ system, running }: { system: SystemMetrics; running: number }) {
  return (
    <dl class="tiles">
      <Tile name="CPU" figure={percent(system.cpu_percent)} note={`load ${system.load1.toFixed(2)}`}>
        <Bar percent={system.cpu_percent} />
      </Tile>
      <Tile
        name="Memory"
        figure={percent(system.memory_percent)}
        note={`${bytes(system.memory_used_bytes)} of ${bytes(system.memory_total_bytes)}`}
      >
        <Bar percent={system.memory_percent} />
      </Tile>
      <Tile
        name="Disk"
        figure={percent(system.disk_percent)}
        note={`I/O ${bytes(system.disk_read_bytes_per_second + system.disk_write_bytes_per_second)}/s`}
      >
        <Bar percent={system.disk_percent} />
      </Tile>
      <Tile name="Running" figure={count(running)} note={`${count(system.runs_queued)} waiting`} />
      <Tile name="Executions" figure={count(system.total_executions)} note="since start" />
    </dl>
  );
}

function Tile(props: { name: string; figure: string; note: string; children?: ComponentChildren }) {
  return (
    <div class="tile">
      <dt>{props.name}</dt>
      <dd class="figure">{props.figure}</dd>
      <dd class="note">{props.note}</dd>
      {props.children && <dd>{props.children}</dd>}
    </div>
  );
}
