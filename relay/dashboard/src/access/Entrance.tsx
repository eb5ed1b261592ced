import { useAction } from "../shell/action";
import { session, signIn, signInAddress, signInAsAnother, signOut } from "./session";
import { words } from "./words";

/** The way in, for who has not signed in; for who has, the way out and the way in as somebody else. */
export function Entrance() {
  const t = words();
  const leave = useAction(signOut);
  const change = useAction(signInAsAnother);
  if (!session.value) return null;
  const { signed_in, can_sign_in, name } = session.value;
  if (name === null) return can_sign_in ? <SignIn /> : null;
  if (!signed_in) return null;
  return (
    <>
      <button type="button" disabled={change.busy} onClick={() => void change.go()}>
        {t.signInAsAnother}
      </button>
      <button type="button" disabled={leave.busy} onClick={() => void leave.go("this")}>
        {t.signOut}
      </button>
    </>
  );
}

/** To the form, and back to this place; opened in another tab, this one goes on when the reader has signed in there. */
export function SignIn({ main = false }) {
  return (
    <a
      class={main ? "button main" : "button"}
      href={signInAddress()}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        signIn();
      }}
    >
      {words().signIn}
    </a>
  );
}
