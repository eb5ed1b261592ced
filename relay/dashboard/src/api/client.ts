/** Requests to the HTTP API; addresses are relative to the page's own. */
import { language, translated } from "../text/language";

const words = translated({
  en: {
    unreachable: "The service cannot be reached.",
    answered: (status: string) => `The service answered ${status}.`,
    ended: "Your session has ended: sign in, then do this again.",
  },
  "zh-Hant": {
    unreachable: "無法連線到服務。",
    answered: (status: string) => `服務回應 ${status}。`,
    ended: "您的工作階段已結束：請登入後再試一次。",
  },
});

/** One fault in what was sent; `pointer` (RFC 6901) says where in a JSON body, `line` (from 1) where in a text. */
export interface Fault {
  pointer?: string;
  line?: number;
  /** From 1, where the line is told. */
  column?: number;
  message: string;
  /** Of the message, where the service says it. */
  language?: string;
}

/** A call that did not succeed; `message` is for the reader. */
export class ApiError extends Error {
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
  readonly faults: readonly Fault[];

  constructor(message: string, status = 0, faults: readonly Fault[] = []) {
    super(message);
    this.status = status;
    this.faults = faults;
  }
}

/** A value and the tag (RFC 9110, 8.8.3) that says which state of it was seen. */
export interface Tagged<T> {
  value: T;
  etag: string;
}

export interface RequestOptions {
  method?: string;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  text?: string;
  /** Sent as it is, however long that takes. */
  file?: Blob;
  /** The state that a change is meant for; the service answers 412 where there is another one by now. */
  ifMatch?: string;
  /** Only where there is nothing yet; else the service answers 412. */
  ifNew?: boolean;
  signal?: AbortSignal;
  /** Who asks, where that is somebody else than with all other requests. */
  as?: Asker;
}

/** Whose requests these are. */
export interface Asker {
  /** Null for whoever comes without credentials. */
  readonly name: string | null;
  /** Shown with every request that changes something, as a session takes it; null: there is no session. */
  readonly xsrf_token: string | null;
}

const TIMEOUT = 30_000;

let asker: Asker = { name: null, xsrf_token: null };
let signedOut: () => void = () => {};
let askAnew: (sender: Asker) => Promise<void> = async () => {};

/** Ask as `who` from now on. */
export function askAs(who: Asker): void {
  asker = who;
}

/** Have something done when the service wants to know who asks. */
export function onSignedOut(act: () => void): void {
  signedOut = act;
}

/** Have it asked anew who this is, where a change of `sender` is refused: another tab may have signed in meanwhile. */
export function onRefused(ask: (sender: Asker) => Promise<void>): void {
  askAnew = ask;
}

/** Raises ApiError for any answer but 2xx, and where none comes. An aborted request raises what `signal` says. */
export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  const { method = "GET", json, text, file, ifMatch, ifNew, signal, as: sender = asker } = options;
  const shown = method === "GET" ? null : sender.xsrf_token;
  const headers: Record<string, string> = { "Accept-Language": language.value };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (ifMatch !== undefined) headers["If-Match"] = ifMatch;
  if (shown !== null) headers["X-XSRF-Token"] = shown;
  if (ifNew) headers["If-None-Match"] = "*";
  const body = json === undefined ? (text ?? file) : JSON.stringify(json);
  const ends = [...(signal ? [signal] : []), ...(file ? [] : [AbortSignal.timeout(TIMEOUT)])];
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      signal: AbortSignal.any(ends),
      ...(body === undefined ? {} : { body }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(words().unreachable);
  }
  if (response.status === 401) {
    signedOut();
    if (sender.xsrf_token !== null) throw new ApiError(words().ended, 401);
  }
  if (response.status === 403 && shown !== null) {
    await askAnew(sender);
    const isOfNewSession = asker.name === sender.name && asker.xsrf_token !== shown;
    if (isOfNewSession) return request(path, { ...options, as: asker });
  }
  if (!response.ok) throw await problem(response);
  return response;
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await request(path, signal ? { signal } : {});
  return (await response.json()) as T;
}

export async function getTagged<T>(path: string, signal?: AbortSignal): Promise<Tagged<T>> {
  return tagged(await request(path, signal ? { signal } : {}));
}

/** What an answer says, with its tag. */
export async function tagged<T>(response: Response): Promise<Tagged<T>> {
  return { value: (await response.json()) as T, etag: response.headers.get("ETag") ?? "" };
}

/** A query of those parameters that are given, with its `?`. */
export function query(parameters: Record<string, string | number | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

/** What a problem document (RFC 9457) says, or at least the status. */
async function problem(response: Response): Promise<ApiError> {
  const { status, statusText } = response;
  try {
    const { detail, title, errors } = (await response.json()) as Record<string, unknown>;
    const message = [detail, title].find((text) => typeof text === "string");
    if (message !== undefined) return new ApiError(message as string, status, Array.isArray(errors) ? errors : []);
  } catch {
    // A proxy's error page: the status has to do.
  }
  return new ApiError(words().answered(`${status} ${statusText}`.trimEnd()), status);
}
