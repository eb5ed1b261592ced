// Node's ws, with one frame made for all clients, as its own documentation of broadcasting has it.
import { createInterface } from "node:readline";
import { WebSocketServer } from "ws";

const DATA = {
  system_metrics: { cpu_percent: 12.5, memory_percent: 34.5, disk_percent: 56.5, active_scripts: 3, total_executions: 4711 },
  script_status: { script_name: "backup", status: "completed", exit_code: 0, duration: 1500 },
};

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: false });
server.on("listening", () => console.log(server.address().port));

function broadcast(type) {
  const text = JSON.stringify({ type, timestamp: new Date().toISOString(), data: DATA[type] });
  const data = Buffer.from(text);
  for (const client of server.clients) client.send(data, { binary: false });
}

for await (const order of createInterface({ input: process.stdin })) {
  const [kind, count, interval] = order.split(" ");
  const begun = performance.now();
  for (let number = 0; number < Number(count); number++) {
    await new Promise((wake) => setTimeout(wake, Math.max(0, begun + number * interval * 1000 - performance.now())));
    broadcast(kind);
  }
  console.log("done");
}
server.close();
process.exit(0);
