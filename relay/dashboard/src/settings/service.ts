/** What the page needs to know of the service's own settings, from its configuration file. */
import { useEffect, useState } from "preact/hooks";
import { request } from "../api/client";
import { listFiles } from "../api/files";

export interface ServiceSettings {
  readonly timezone: string;
  /** How much of a script's history is kept where it says nothing itself. */
  readonly retention: Readonly<Record<"runs" | "days" | "bytes", string>>;
}

/** Null until they are known; a form does without them where they cannot be. */
export function useServiceSettings(): ServiceSettings | null {
  const [settings, setSettings] = useState<ServiceSettings | null>(null);
  useEffect(() => {
    readServiceSettings().then(setSettings, (error: unknown) => console.warn("The configuration could not be read:", error));
  }, []);
  return settings;
}

/** Where the files of scripts are, as an absolute path; null until that is known. */
export function useScriptsFolder(): string | null {
  const [folder, setFolder] = useState<string | null>(null);
  useEffect(() => {
    listFiles().then((list) => setFolder(list.folder), (error: unknown) => console.warn("The files could not be listed:", error));
  }, []);
  return folder;
}

async function readServiceSettings(): Promise<ServiceSettings> {
  const [{ serviceSettings }, config] = await Promise.all([
    import("./yaml"),
    request("api/v1/config").then((response) => response.text()),
  ]);
  return serviceSettings(config);
}
