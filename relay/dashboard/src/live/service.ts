/** What is to be known of the service itself, and of the Grafana beside it. */
import { signal } from "@preact/signals";
import { knowSession } from "../access/session";
import { getJson } from "../api/client";
import type { ServiceStatus } from "../events";
import { onFrame } from "./live";

/** As it was when the connection began; null before that. */
const service = signal<ServiceStatus | null>(null);

/** Ask anew with every service that is connected to: its configuration may be another one. */
export function knowService(): void {
  onFrame(({ type }) => {
    if (type !== "hello") return;
    void knowSession();
    getJson<ServiceStatus>("api/v1/status").then(
      (status) => (service.value = status),
      () => {}, // links to elsewhere are missing then, nothing else
    );
  });
}

/** Where Grafana shows a dashboard; null where its address is not configured. */
export function grafana(uid: string, variables: Record<string, string> = {}): string | null {
  const base = service.value?.grafana_url;
  if (!base) return null;
  const query = new URLSearchParams(Object.entries(variables).map(([name, value]) => [`var-${name}`, value]));
  return `${base.replace(/\/$/, "")}/d/${uid}${query.size ? `?${query}` : ""}`;
}
