import { lacking } from "../access/lacking";
import { address } from "../route";
import { words } from "./words";

/** What to do where there is no script yet. */
export function Empty() {
  const t = words();
  const whyNot = lacking("edit");
  return (
    <section class="card empty">
      <h2>{t.firstTitle}</h2>
      <p>{t.first}</p>
      {whyNot === undefined ? (
        <>
          <p>
            <a class="button main" href={address({ page: "new" })}>
              {t.firstAction}
            </a>
          </p>
          <p class="note">{t.firstOther}</p>
          <pre>
            <code>crontab -l | cronscope import-crontab - --write</code>
          </pre>
        </>
      ) : (
        <p class="note">{whyNot}</p>
      )}
    </section>
  );
}
