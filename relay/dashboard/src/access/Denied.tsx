import { address } from "../route";
import { type Role, session, signInAddress } from "./session";
import { words } from "./words";

/** In place of what the reader may not have; `why` is what the service says, where it says more than which role that takes. */
export function Denied({ need, why }: { need: Role; why?: string }) {
  const t = words();
  const canSignIn = session.value?.name === null && session.value.can_sign_in;
  return (
    <section class="card gone">
      <h1>{t.denied}</h1>
      <p>{why ?? t.needs[need]}</p>
      <div class="bar-of">
        <a class="button main" href={address({ page: "overview" })}>
          {t.back}
        </a>
        {canSignIn && (
          <a class="button" href={signInAddress()}>
            {t.signIn}
          </a>
        )}
      </div>
    </section>
  );
}

