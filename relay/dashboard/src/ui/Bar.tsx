/** A bar, full at 100; the number beside it says the same in words. */
export function Bar({ percent }: { percent: number }) {
  return (
    <svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      <rect width={Math.min(100, Math.max(0, percent))} height="1" />
    </svg>
  );
}
