import { translated } from "../text/language";
import { dismiss, messages } from "./announce";

const words = translated({ en: { dismiss: "Dismiss" }, "zh-Hant": { dismiss: "關閉" } });

/** What the page tells by itself; the two regions are there from the start, so that screen readers watch them. */
export function Messages() {
  const some = (urgent: boolean) => messages.value.filter(({ kind }) => (kind === "urgent") === urgent);
  return (
    <div class="messages">
      <div role="status" aria-live="polite">
        {some(false).map(({ id, text, kind }) => (
          <p key={id} class={kind === "said" ? "message" : "unseen"}>
            {text}
          </p>
        ))}
      </div>
      <div role="alert">
        {some(true).map(({ id, text }) => (
          <div key={id} class="message urgent">
            <p>{text}</p>
            <button type="button" onClick={() => dismiss(id)}>
              {words().dismiss}
            </button>
          </div>
        ))}
      </div>
    </div>
  );
}
