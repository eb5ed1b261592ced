import { getJson } from "../api/client";
import { type FileList, listFiles } from "../api/files";
import type { Script } from "../events";
import { usersOf } from "./scriptFile";
import { type Loaded, useLoaded } from "./useLoaded";

/** The files under `scripts_dir`, and by path the names of the scripts that run them. */
type UsedFiles = FileList & { users: ReadonlyMap<string, readonly string[]> };

export async function listUsedFiles(): Promise<UsedFiles> {
  const [list, { scripts }] = await Promise.all([listFiles(), getJson<{ scripts: Script[] }>("api/v1/scripts")]);
  return { ...list, users: usersOf(scripts, list) };
}

export function useFiles(): Loaded<UsedFiles> {
  return useLoaded(listUsedFiles, [], ({ type }) => type === "file_changed" || type === "script_changed");
}
