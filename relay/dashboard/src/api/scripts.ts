/** What the page asks of `/api/v1/scripts`. */
import { request } from "./client";

export function scriptPath(name: string): string {
  return `api/v1/scripts/${encodeURIComponent(name)}`;
}

export async function runScript(name: string): Promise<string> {
  const response = await request(`${scriptPath(name)}/run`, { method: "POST" });
  return ((await response.json()) as { run_id: string }).run_id;
}

export async function stopScript(name: string): Promise<void> {
  await request(`${scriptPath(name)}/stop`, { method: "POST" });
}

export async function switchScript(name: string, enabled: boolean): Promise<void> {
  await request(`${scriptPath(name)}/${enabled ? "enable" : "disable"}`, { method: "POST" });
}

/** Do one thing to several scripts: to all of them, or to none. */
export async function changeScripts(action: "enable" | "disable" | "delete", scripts: readonly string[]): Promise<void> {
  await request("api/v1/scripts/batch", { method: "POST", json: { action, scripts } });
}
