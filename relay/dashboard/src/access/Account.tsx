import { useAction } from "../shell/action";
import { SignIn } from "./Entrance";
import { session, signOut } from "./session";
import { words } from "./words";

/** Who has signed in, and the way out; or the way in. */
export function Account() {
  const t = words();
  const leave = useAction(signOut);
  if (!session.value) return null;
  const { name, role, signed_in, can_sign_in, by_proxy } = session.value;
  return (
    <>
      {name !== null && <span data-testid="account">{t.signedIn(name, t.roles[role])}</span>}
      {by_proxy && <span class="note">{t.byProxy}</span>}
      {signed_in && (
        <>
          <button type="button" disabled={leave.busy} onClick={() => void leave.go("this")}>
            {t.signOut}
          </button>
          <button type="button" disabled={leave.busy} onClick={() => void leave.go("all")}>
            {t.signOutAll}
          </button>
        </>
      )}
      {name === null && can_sign_in && <SignIn />}
    </>
  );
}
