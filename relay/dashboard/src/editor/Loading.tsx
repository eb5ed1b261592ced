import type { Loaded } from "./useLoaded";
import { words } from "./words";

/** In place of what has not come. */
export function Loading({ problem, reload }: Pick<Loaded<unknown>, "problem" | "reload">) {
  const t = words();
  if (problem === null) return <p class="note loading">{t.opening}</p>;
  return (
    <div class="notice" role="alert">
      <p class="problem">{problem}</p>
      <button type="button" onClick={reload}>
        {t.retry}
      </button>
    </div>
  );
}
