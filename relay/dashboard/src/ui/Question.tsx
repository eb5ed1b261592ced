import type { ComponentChildren } from "preact";
import { translated } from "../text/language";
import { Dialog } from "./Dialog";

const words = translated({ en: { cancel: "Cancel" }, "zh-Hant": { cancel: "取消" } });

interface Props {
  title: string;
  /** What the button says that does it. */
  answer: string;
  /** Of what can be undone. */
  harmless?: boolean;
  /** It is being done. */
  busy?: boolean;
  /** What the other button says. */
  instead?: string;
  onAnswer(): void;
  onClose(): void;
  /** What it means. */
  children: ComponentChildren;
}

/** Asks whether the reader really wants something; the focus is on the way back. */
export function Question({ title, answer, harmless, busy, instead, onAnswer, onClose, children }: Props) {
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <div class="bar-of ends">
        <button type="button" autoFocus onClick={onClose}>
          {instead ?? words().cancel}
        </button>
        <button type="button" class={harmless ? "main" : "danger"} disabled={busy} onClick={onAnswer}>
          {answer}
        </button>
      </div>
    </Dialog>
  );
}
