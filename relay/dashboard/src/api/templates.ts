/** Scripts to begin with, and the files that are made of them. */
import { getJson, request } from "./client";

export interface Template {
  name: string;
  description: string;
  /** What to call a script made of it, for want of something better. */
  file_name: string;
  content: string;
}

export async function templates(): Promise<Template[]> {
  return (await getJson<{ templates: Template[] }>("api/v1/templates")).templates;
}

/** Make a file under `scripts_dir`; 412 where there is one. Resolves to its tag. */
export async function createFile(path: string, text: string): Promise<string> {
  const response = await request(filePath(path), { method: "PUT", text, ifNew: true });
  return response.headers.get("ETag") ?? "";
}

/** Remove what `createFile` has made, unless it was changed since. */
export async function removeFile(path: string, ifMatch: string): Promise<void> {
  await request(filePath(path), { method: "DELETE", ifMatch });
}

function filePath(path: string): string {
  return `api/v1/files/${path.split("/").map(encodeURIComponent).join("/")}`;
}
