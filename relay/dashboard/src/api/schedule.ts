/** `/api/v1/schedule/preview`: what a schedule means, before anything runs by it. */
import { request } from "./client";

export interface PreviewQuery {
  cron?: string;
  every?: string;
  at?: string;
  timezone?: string;
  /** Starts after this time are told; now, unless it is given. RFC 3339. */
  from?: string;
}

export interface Preview {
  /** A sentence. */
  description: string;
  /** That it is in. */
  language: string;
  /** The next five starts, in RFC 3339 with the offset that the script's time zone has then. */
  next: string[];
}

export async function previewSchedule(asked: PreviewQuery, signal?: AbortSignal): Promise<Preview> {
  const response = await request("api/v1/schedule/preview", { method: "POST", json: asked, ...(signal ? { signal } : {}) });
  const told = (await response.json()) as Omit<Preview, "language">;
  return { ...told, language: response.headers.get("Content-Language") ?? "en" };
}
