import type { TabProps } from "../script/ScriptPage";

export function SettingsTab({ row }: TabProps) {
  return <p>SettingsTab {row.name}</p>;
}
