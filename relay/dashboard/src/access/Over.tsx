import { objection } from "../route";
import { useAction } from "../shell/action";
import { SignIn } from "./Entrance";
import { over, session, signInAsAnother } from "./session";
import { words } from "./words";

/** That the reader's session has ended, and the way to go on. */
export function Over() {
  const t = words();
  const change = useAction(signInAsAnother);
  if (!over.value) return null;
  const { by } = over.value;
  const mine = session.value?.name ?? "";
  return (
    <div role="alert" class="over notice">
      <p>{by ? t.overBy(by.name ?? "", mine) : objection() === null ? t.overNothing : t.over}</p>
      {by ? (
        <button type="button" class="main" disabled={change.busy} onClick={() => void change.go()}>
          {t.signInAsAnother}
        </button>
      ) : (
        <SignIn main />
      )}
    </div>
  );
}
