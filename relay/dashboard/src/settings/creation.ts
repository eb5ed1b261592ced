/** A new script: its file first, where it has one, then its entry. What was done stays done when it is tried again. */
import { ApiError, type Fault } from "../api/client";
import { deleteFile, filePath, listFiles, writeText } from "../api/files";
import { createScript } from "../api/scripts";
import { type Draft, entryOf, quoted } from "./entry";
import { words } from "./words";

export interface NewFile {
  /** Under `scripts_dir`. */
  readonly path: string;
  readonly text: string;
}

/** What could not be done; nothing that was done before is to be done again. */
export class Refused extends Error {
  readonly faults: readonly Fault[];

  constructor(message: string, faults: readonly Fault[] = []) {
    super(message);
    this.faults = faults;
  }
}

export class Creation {
  #written: (NewFile & { etag: string }) | null = null;

  /** Raises Refused. Resolves to the script's name. */
  async create(draft: Draft, file: NewFile | null): Promise<string> {
    if (!file) return (await this.#add(draft)).name;
    await this.#write(file);
    const { folder, base } = await listFiles();
    const path = `${folder}/${file.path}`;
    // Relative paths start from the configuration's folder, unless the script has a `workdir` of its own.
    const near = !draft.workdir && path.startsWith(`${base}/`);
    const text = quoted([near ? `.${path.slice(base.length)}` : path]);
    return (await this.#add({ ...draft, command: { isList: false, text, words: [] } })).name;
  }

  async #write(file: NewFile): Promise<void> {
    if (this.#written?.path === file.path && this.#written.text === file.text) return;
    try {
      // An earlier attempt's file, unless someone has changed it since.
      if (this.#written) await deleteFile(this.#written.path, this.#written.etag).catch(() => undefined);
      this.#written = null;
      const { headers } = await writeText(filePath(file.path), file.text, null);
      this.#written = { ...file, etag: headers.get("ETag") ?? "" };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const message = error.status === 412 ? words().existing(file.path) : error.message;
      throw error.status >= 400 && error.status < 500 ? new Refused(words().faults, [{ pointer: "#/file", message }]) : new Refused(message);
    }
  }

  async #add(draft: Draft) {
    try {
      return await createScript(entryOf({}, draft));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const faults = error.status === 409 && !error.faults.length ? [{ pointer: "#/name", message: error.message }] : error.faults;
      const what = faults.length ? words().faults : error.message;
      throw new Refused(this.#written ? `${what} ${words().fileWritten(this.#written.path)}` : what, faults);
    }
  }
}
