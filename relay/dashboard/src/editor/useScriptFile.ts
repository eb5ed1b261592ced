import { getJson } from "../api/client";
import { listFiles } from "../api/files";
import { scriptPath } from "../api/scripts";
import type { Script } from "../events";
import { fileOf, type Runs } from "./scriptFile";
import { type Loaded, useLoaded } from "./useLoaded";

export interface ScriptFile {
  runs: Runs;
  command: string | readonly string[];
  /** Absolute path of `scripts_dir`. */
  folder: string;
}

/** What a script's command runs, by its latest configuration. */
export function useScriptFile(name: string): Loaded<ScriptFile> {
  return useLoaded(
    async () => {
      const [{ config }, places] = await Promise.all([getJson<Script>(scriptPath(name)), listFiles()]);
      return { runs: fileOf(config, places), command: config["command"] as string | string[], folder: places.folder };
    },
    [name],
    (frame) => frame.type === "script_changed" && frame.data.script.name === name,
  );
}
