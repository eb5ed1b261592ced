/** What is to be known of the service itself, and of the Grafana beside it. */
import { computed, signal } from "@preact/signals";
import { knowSession } from "../access/session";
import { getJson } from "../api/client";
import type { ServiceStatus } from "../events";
import { mended, onFrame } from "./live";

/** As it was when it was asked for last; null before that. */
const service = signal<ServiceStatus | null>(null);

/** What is wrong with the service until somebody mends it. */
export const problems = computed<readonly string[]>(() => service.value?.problems ?? []);

/** While something is wrong, it is asked after so many milliseconds whether it still is. */
const PAUSE = 10_000;
let asking: ReturnType<typeof setTimeout> | undefined;

/** Ask anew with every service that is connected to: its configuration may be another one. */
export function knowService(): void {
  onFrame(({ type, data }) => {
    if (type === "hello") void knowSession();
    const isWrong = type === "error" && !("id" in data) && data.script_name === undefined;
    const mayBeMended = type === "file_changed" && problems.peek().length > 0;
    if (type === "hello" || isWrong || mayBeMended) ask();
  });
}

function ask(): void {
  clearTimeout(asking);
  getJson<ServiceStatus>("api/v1/status").then(learn, () => {
    // Links to elsewhere are missing then, nothing else.
    if (problems.peek().length) askLater();
  });
}

function learn(status: ServiceStatus): void {
  mended(problems.peek().filter((message) => !status.problems.includes(message)));
  service.value = status;
  if (status.problems.length) askLater();
}

function askLater(): void {
  clearTimeout(asking);
  asking = setTimeout(ask, PAUSE);
}

/** Where Grafana shows a dashboard; null where its address is not configured. */
export function grafana(uid: string, variables: Record<string, string> = {}): string | null {
  const base = service.value?.grafana_url;
  if (!base) return null;
  const query = new URLSearchParams(Object.entries(variables).map(([name, value]) => [`var-${name}`, value]));
  return `${base.replace(/\/$/, "")}/d/${uid}${query.size ? `?${query}` : ""}`;
}
