import "./overview.css";
import { useMemo } from "preact/hooks";
import { state } from "../live/live";
import { language } from "../text/language";
import { useInAddress } from "../shell/inAddress";
import { Empty } from "./Empty";
import { wishOf, wishQuery } from "./listing";
import { Machine } from "./Machine";
import { Scripts } from "./Scripts";
import { Tiles } from "./Tiles";
import { wish } from "./wish";
import { words } from "./words";

/** Every script and the machine, as they are now. */
export function Overview() {
  const { rows, system, history } = state.value;
  const spoken = language.value;
  useInAddress("overview", wishQuery(wish.value), (query) => (wish.value = wishOf(query)));
  const machine = useMemo(() => system && <Machine history={history} system={system} />, [history, system, spoken]);
  if (!rows) return null;
  return (
    <div class="overview">
      <h1 class="unseen">{words().title}</h1>
      {rows.size > 0 && <Tiles {...state.value} />}
      {machine}
      {rows.size ? <Scripts rows={rows} /> : <Empty />}
    </div>
  );
}
