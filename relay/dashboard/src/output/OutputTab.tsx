import type { TabProps } from "../script/ScriptPage";

export function OutputTab({ row }: TabProps) {
  return <p>OutputTab {row.name}</p>;
}
