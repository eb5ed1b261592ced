import { address } from "../route";
import { Entrance } from "./Entrance";
import { may, type Role, session } from "./session";
import { words } from "./words";

/** In place of what the reader may not have; `why` is what the service says, where it says more than which role that takes. */
export function Denied({ need, why }: { need: Role; why?: string }) {
  const t = words();
  const { role = null } = session.value ?? {};
  return (
    <section class="card gone">
      <h1>{t.denied}</h1>
      {why !== undefined && <p>{why}</p>}
      {why === undefined && <p>{t.takes(need, t.roles[need])}</p>}
      {why === undefined && <p>{who()}</p>}
      <div class="bar-of">
        {why === undefined && may("view") && (
          <a class="button main" href={address({ page: "overview" })}>
            {t.back}
          </a>
        )}
        {why === undefined && role === "scrape" && (
          <a class="button" href="metrics">
            {t.metrics}
          </a>
        )}
        <Entrance />
      </div>
    </section>
  );
}

/** As whom the reader is here, and what they may do. */
function who(): string {
  const t = words();
  if (!session.value) return "";
  const { name, role } = session.value;
  return name === null ? t.anyone(role, t.roles[role]) : t.who(name, role, t.roles[role]);
}
