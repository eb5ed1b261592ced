import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { replace, route, step } from "../route";

/** What a reader types or drags is put into the address once it has rested for so many milliseconds. */
const REST = 200;

/**
 * Keep a choice that outlives a look at another place in the address of its own: `read` is called with a query that
 * somebody came by, `query` is what the choice says now.
 */
export function useInAddress(page: "overview" | "timeline", query: string, read: (query: string) => void): void {
  const here = route.value;
  const given = here.page === page ? (here.query ?? "") : "";
  const known = useRef("");
  useLayoutEffect(() => {
    if (!given || given === known.current) return;
    known.current = given;
    read(given);
  }, [given, step.value]);
  useEffect(() => {
    if (query === given) return;
    const timer = setTimeout(() => {
      known.current = query;
      replace(query ? { page, query } : { page });
    }, REST);
    return () => clearTimeout(timer);
  }, [query, given, step.value]);
}
