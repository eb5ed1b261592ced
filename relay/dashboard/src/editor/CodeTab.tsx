import type { TabProps } from "../script/ScriptPage";

export function CodeTab({ row }: TabProps) {
  return <p>CodeTab {row.name}</p>;
}
