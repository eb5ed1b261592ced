import { words } from "./words";

/** That something was left unsaved earlier, to be brought back or forgotten. */
export function LeftNotice({ onTake, onForget }: { onTake(): void; onForget(): void }) {
  const t = words();
  return (
    <div class="notice mild">
      <p>{t.leftText}</p>
      <div class="bar-of">
        <button type="button" onClick={onTake}>
          {t.takeUp}
        </button>
        <button type="button" class="quiet" onClick={onForget}>
          {t.forget}
        </button>
      </div>
    </div>
  );
}
