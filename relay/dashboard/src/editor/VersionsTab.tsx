import type { TabProps } from "../script/ScriptPage";
import { NoFile } from "./CodeTab";
import { Loading } from "./Loading";
import { useScriptFile } from "./useScriptFile";
import { Versions } from "./Versions";

/** The versions of the file that a script runs. */
export function VersionsTab({ row }: TabProps) {
  const { value, ...loaded } = useScriptFile(row.name);
  if (!value) return <Loading {...loaded} />;
  if (value.runs.kind !== "file") return <NoFile name={row.name} file={value} />;
  return <Versions key={value.runs.path} path={value.runs.path} />;
}
