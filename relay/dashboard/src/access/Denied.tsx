import { address } from "../route";
import { type Role, session, signInAddress } from "./session";
import { words } from "./words";

/** In place of what the reader may not have. */
export function Denied({ need }: { need: Role }) {
  const t = words();
  const canSignIn = session.value?.name === null && session.value.can_sign_in;
  return (
    <section class="card gone">
      <h1>{t.denied}</h1>
      <p>{t.needs[need]}</p>
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

