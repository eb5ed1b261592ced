/** What an editor edits: a file under `scripts_dir`, or the configuration. */
import { CONFIG, checkConfig } from "../api/config";
import { checkFile, type Finding, filePath, type Revision, readText, tagOf, writeText } from "../api/files";
import { words } from "./words";

export interface Source {
  /** No other source has the same. */
  readonly address: string;
  readonly name: string;
  /** A text with errors is written, if the reader insists. */
  readonly takesErrors: boolean;
  /** Null where nothing is there. */
  etag(): Promise<string | null>;
  read(): Promise<Revision>;
  /** Replace what has this `etag`, or make what is not there yet. */
  write(text: string, etag: string | null): Promise<Written>;
  check(text: string): Promise<Finding[]>;
}

export interface Written {
  etag: string;
  /** What the reader should know of it. */
  note?: string;
}

export function fileSource(path: string): Source {
  const address = filePath(path);
  return {
    address,
    name: path,
    takesErrors: true,
    etag: () => tagOf(address),
    read: () => readText(address),
    write: async (text, etag) => ({ etag: tagIn(await writeText(address, text, etag)) }),
    check: (text) => checkFile(path, text),
  };
}

export const configSource: Source = {
  address: CONFIG,
  name: "cronscope.yml",
  takesErrors: false,
  etag: () => tagOf(CONFIG),
  read: () => readText(CONFIG),
  async write(text, etag) {
    const response = await writeText(CONFIG, text, etag);
    const { changed_at_next_start: keys } = (await response.json()) as { changed_at_next_start: string[] };
    return { etag: tagIn(response), ...(keys.length ? { note: words().atNextStart(keys.join(", ")) } : {}) };
  },
  check: checkConfig,
};

function tagIn(response: Response): string {
  return response.headers.get("ETag") ?? "";
}
