/** What the page needs to know of the service's own settings, from its configuration file. */
import { request } from "../api/client";
import { useLoaded } from "../editor/useLoaded";

export interface ServiceSettings {
  readonly timezone: string;
  /** How much of a script's history is kept where it says nothing itself. */
  readonly retention: Readonly<Record<"runs" | "days" | "bytes", string>>;
}

/** Null until they are known; a form does without them where they cannot be. */
export function useServiceSettings(): ServiceSettings | null {
  return useLoaded(readServiceSettings, []).value;
}

async function readServiceSettings(): Promise<ServiceSettings> {
  const [{ serviceSettings }, config] = await Promise.all([
    import("./yaml"),
    request("api/v1/config").then((response) => response.text()),
  ]);
  return serviceSettings(config);
}
