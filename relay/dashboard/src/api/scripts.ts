/** What the page asks of `/api/v1/scripts`. */
import type { Script } from "../events";
import { getTagged, request, type Tagged, tagged } from "./client";

export function scriptPath(name: string): string {
  return `api/v1/scripts/${encodeURIComponent(name)}`;
}

export async function runScript(name: string): Promise<string> {
  const response = await request(`${scriptPath(name)}/run`, { method: "POST" });
  return ((await response.json()) as { run_id: string }).run_id;
}

/** The ids of the runs that were told to stop. */
export async function stopScript(name: string): Promise<string[]> {
  const response = await request(`${scriptPath(name)}/stop`, { method: "POST" });
  return ((await response.json()) as { run_ids: string[] }).run_ids;
}

export async function switchScript(name: string, enabled: boolean): Promise<void> {
  await request(`${scriptPath(name)}/${enabled ? "enable" : "disable"}`, { method: "POST" });
}

/** Do one thing to several scripts: to all of them, or to none. */
export async function changeScripts(action: "enable" | "disable" | "delete", scripts: readonly string[]): Promise<void> {
  await request("api/v1/scripts/batch", { method: "POST", json: { action, scripts } });
}

/** A script and its entry; the tag is that of the entry. */
export function readScript(name: string, signal?: AbortSignal): Promise<Tagged<Script>> {
  return getTagged(scriptPath(name), signal);
}

export async function createScript(entry: unknown): Promise<Script> {
  const response = await request("api/v1/scripts", { method: "POST", json: entry });
  return (await response.json()) as Script;
}

/** Merge changes into a script's entry (RFC 7396); a `name` among them renames it. */
export async function changeScript(name: string, changes: unknown, ifMatch: string): Promise<Tagged<Script>> {
  return tagged(await request(scriptPath(name), { method: "PATCH", json: changes, ifMatch }));
}

export async function replaceScript(name: string, entry: unknown, ifMatch: string): Promise<Tagged<Script>> {
  return tagged(await request(scriptPath(name), { method: "PUT", json: entry, ifMatch }));
}

/** Files and logs stay. */
export async function deleteScript(name: string, ifMatch: string): Promise<void> {
  await request(scriptPath(name), { method: "DELETE", ifMatch });
}
