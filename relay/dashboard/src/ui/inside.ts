import { useState } from "preact/hooks";

/** Whether the pointer or the focus is within an element, which is given `hold`: then nothing in it is to move. */
export function useInside() {
  const [is, setIs] = useState({ pointer: false, focus: false });
  return {
    inside: is.pointer || is.focus,
    hold: {
      onPointerEnter: () => setIs((was) => ({ ...was, pointer: true })),
      onPointerLeave: () => setIs((was) => ({ ...was, pointer: false })),
      onFocusIn: () => setIs((was) => ({ ...was, focus: true })),
      onFocusOut: (event: FocusEvent) => {
        const stays = event.relatedTarget instanceof Node && (event.currentTarget as Node).contains(event.relatedTarget);
        if (!stays) setIs((was) => ({ ...was, focus: false }));
      },
    },
  };
}
