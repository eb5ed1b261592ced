/** The files under `scripts_dir`, or one of them. */
export function Files({ path }: { path: string | null }) {
  return <h1>{path ?? "Files"}</h1>;
}
