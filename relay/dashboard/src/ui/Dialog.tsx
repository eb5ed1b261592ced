import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  title: string;
  /** The title is for screen readers only. */
  untitled?: boolean;
  class?: string;
  onClose(): void;
  children: ComponentChildren;
}

/** A window before the page, open as long as it is rendered; Escape and a press beside it close it. */
export function Dialog({ title, untitled, onClose, children, ...props }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  // At once: the next key is for what is in it.
  useLayoutEffect(() => {
    const dialog = ref.current!;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={props.class}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault(); // it closes by no longer being rendered
        onClose();
      }}
      onPointerDown={(event) => event.target === ref.current && onClose()}
    >
      <div class="dialog">
        {!untitled && <h2>{title}</h2>}
        {children}
      </div>
    </dialog>
  );
}
