import { getJson } from "../api/client";
import { type FileList, listFiles } from "../api/files";
import type { Script } from "../events";
import { usersOf } from "./scriptFile";
import { type Loaded, useLoaded } from "./useLoaded";

/** The files under `scripts_dir`, and by path the names of the scripts that run them. */
export function useFiles(): Loaded<FileList & { users: ReadonlyMap<string, readonly string[]> }> {
  return useLoaded(
    async () => {
      const [list, { scripts }] = await Promise.all([listFiles(), getJson<{ scripts: Script[] }>("api/v1/scripts")]);
      return { ...list, users: usersOf(scripts, list) };
    },
    [],
    ({ type }) => type === "file_changed" || type === "script_changed",
  );
}
