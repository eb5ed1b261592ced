/** The calls of the HTTP API that the page makes; addresses are relative to the page's own. */

/** A call that did not succeed; `message` is for the reader. */
export class ApiError extends Error {}

const TIMEOUT = 30_000;

export function runScript(name: string): Promise<void> {
  return post(`api/v1/scripts/${encodeURIComponent(name)}/run`);
}

export function stopScript(name: string): Promise<void> {
  return post(`api/v1/scripts/${encodeURIComponent(name)}/stop`);
}

async function post(path: string): Promise<void> {
  let response: Response;
  try {
    response = await fetch(path, { method: "POST", signal: AbortSignal.timeout(TIMEOUT) });
  } catch {
    throw new ApiError("The service cannot be reached.");
  }
  if (!response.ok) throw new ApiError(await explain(response));
}

/** What a problem document (RFC 9457) says, or at least the status. */
async function explain(response: Response): Promise<string> {
  try {
    const problem: unknown = await response.json();
    if (typeof problem === "object" && problem !== null) {
      if ("detail" in problem && typeof problem.detail === "string") return problem.detail;
      if ("title" in problem && typeof problem.title === "string") return problem.title;
    }
  } catch {
    // A proxy's error page: the status has to do.
  }
  return `The service answered ${response.status} ${response.statusText}`.trimEnd() + ".";
}
