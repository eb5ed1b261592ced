/** Why something cannot be done, for those who may not do it. */
import { may, type Role } from "./session";
import { words } from "./words";

/** Undefined where the reader has the role that it takes. */
export function lacking(need: Role): string | undefined {
  return may(need) ? undefined : words().needs[need];
}
