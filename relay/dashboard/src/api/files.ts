/** What the page asks of `/api/v1/files`: the files under `scripts_dir`, as texts, and their versions. */
import type { Instant } from "../events";
import { translated } from "../text/language";
import { ApiError, getJson, request } from "./client";

const words = translated({
  en: { binary: "This file is not a text in UTF-8: it can be downloaded, but not edited here." },
  "zh-Hant": { binary: "此檔案不是 UTF-8 文字檔：可以下載，但無法在此編輯。" },
});

export interface FileEntry {
  path: string;
  size: number;
  modified_at: Instant;
  executable: boolean;
  /** Path of the file that this is a link to; null where it is none. */
  link_to: string | null;
}

export interface FileList {
  /** By path. */
  files: FileEntry[];
  /** There are more, which are left out. */
  truncated: boolean;
  /** Absolute path of `scripts_dir`. */
  folder: string;
  /** Absolute path that relative ones in the configuration start from. */
  base: string;
  /** Bytes of the largest file of which the content is read or written. */
  largest: number;
}

export interface FileVersion {
  number: number;
  saved_at: Instant;
  /** `found` on disk, after somebody had changed it without the service. */
  op: "written" | "restored" | "found" | "deleted";
  /** Bytes; null for a deletion. */
  size: number | null;
  etag: string | null;
}

export interface Template {
  name: string;
  description: string;
  file_name: string;
  content: string;
}

/** Something wrong with a text; line and column count from 1, columns in characters. */
export interface Finding {
  line: number;
  column: number;
  severity: "error" | "warning";
  message: string;
  /** Of the message; English where it is not said. */
  language?: string;
}

/** A text as it is on disk; `etag` is null where there is no such file. */
export interface Revision {
  text: string;
  etag: string | null;
}

export const ABSENT: Revision = { text: "", etag: null };

/** A file's content is no text, so that it cannot be edited without doing harm to it. */
class NotText extends Error {}

/**
 * The address of a file. Slashes are encoded where the API would mistake a name for one of its own, or the browser
 * `..` for a step up: it is for the service to refuse that.
 */
export function filePath(path: string): string {
  const parts = (/^\.{1,2}$/.test(path) ? `./${path}` : path).split("/");
  const mistakable = parts.some((part) => ["versions", "check", ".", ".."].includes(part));
  return `api/v1/files/${parts.map(encodeURIComponent).join(mistakable ? "%2F" : "/")}`;
}

export function listFiles(): Promise<FileList> {
  return getJson("api/v1/files");
}

export async function listTemplates(): Promise<Template[]> {
  return (await getJson<{ templates: Template[] }>("api/v1/templates")).templates;
}

/** `address` is that of a file, a version or the configuration. Raises NotText. */
export async function readText(address: string): Promise<Revision> {
  const response = await found(request(address));
  if (!response) return ABSENT;
  const bytes = await response.arrayBuffer();
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text, etag: response.headers.get("ETag") };
  } catch {
    throw new NotText(words().binary);
  }
}

/** The `ETag` of what is at an address; null where nothing is. */
export async function tagOf(address: string): Promise<string | null> {
  return (await found(request(address, { method: "HEAD" })))?.headers.get("ETag") ?? null;
}

/** Replace what has this `ETag`, or make what is not there yet. */
export function writeText(address: string, text: string, etag: string | null): Promise<Response> {
  return request(address, { method: "PUT", text, ...(etag === null ? { ifNew: true } : { ifMatch: etag }) });
}

export async function deleteFile(path: string, etag: string): Promise<void> {
  await request(filePath(path), { method: "DELETE", ifMatch: etag });
}

export async function checkFile(path: string, text: string): Promise<Finding[]> {
  const response = await request(`${filePath(path)}/check`, { method: "POST", text });
  return ((await response.json()) as { findings: Finding[] }).findings;
}

/** Newest first; none of a file that never was. */
export async function listVersions(path: string): Promise<FileVersion[]> {
  const response = await found(request(`${filePath(path)}/versions`));
  return response ? ((await response.json()) as { versions: FileVersion[] }).versions : [];
}

export function readVersion(path: string, number: number): Promise<Revision> {
  return readText(`${filePath(path)}/versions/${number}`);
}

export async function restoreVersion(path: string, number: number, etag: string | null): Promise<void> {
  const condition = etag === null ? { ifNew: true } : { ifMatch: etag };
  await request(`${filePath(path)}/versions/${number}/restore`, { method: "POST", ...condition });
}

/** The answer; null where nothing is at the address. */
async function found(answer: Promise<Response>): Promise<Response | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
