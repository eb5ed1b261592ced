import type { TabProps } from "./ScriptPage";

export function RunsTab({ row }: TabProps) {
  return <p>RunsTab {row.name}</p>;
}
