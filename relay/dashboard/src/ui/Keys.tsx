const ARROWS: Record<string, string> = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };

/** Keys as they are written on a keyboard, several of them to be pressed one after the other. */
export function Keys({ keys }: { keys: string }) {
  return (
    <span class="keycaps">
      {keys.split(" ").map((key, index) => (
        <kbd key={index}>{ARROWS[key] ?? key}</kbd>
      ))}
    </span>
  );
}
