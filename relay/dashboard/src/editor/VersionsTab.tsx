import type { TabProps } from "../script/ScriptPage";

export function VersionsTab({ row }: TabProps) {
  return <p>VersionsTab {row.name}</p>;
}
