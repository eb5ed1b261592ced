import { useMemo } from "preact/hooks";
import "./editor.css";
import { filePath } from "../api/files";
import { address } from "../route";
import { bytes } from "../text/format";
import { FileTable } from "./FileTable";
import { Editor } from "./laterEditor";
import { fileSource } from "./source";
import { useFiles } from "./useFiles";
import { Versions } from "./Versions";
import { words } from "./words";

interface Props {
  path: string | null;
  versions: boolean;
}

/** The files under `scripts_dir`, or one of them. */
export function Files({ path, versions }: Props) {
  return path === null ? <FileTable /> : <File key={path} path={path} versions={versions} />;
}

function File({ path, versions }: { path: string; versions: boolean }) {
  const t = words();
  const source = useMemo(() => fileSource(path), [path]);
  const { value } = useFiles();
  const size = value?.files.find((file) => file.path === path)?.size ?? 0;
  const isLarge = value !== null && size > value.largest;
  return (
    <>
      <div class="bar-of spread place">
        <h1 class="line">
          <a href={address({ page: "files" })}>{t.files}</a> <span class="note">/</span> {path}
        </h1>
        {!isLarge && (
          <div class="bar-of">
            {versions ? (
              <a class="button" href={address({ page: "files", path })}>
                {t.edit}
              </a>
            ) : (
              <a class="button" href={address({ page: "files", path, versions: true })}>
                {t.versions}
              </a>
            )}
            <a class="button" href={filePath(path)} download={path.slice(path.lastIndexOf("/") + 1)}>
              {t.download}
            </a>
          </div>
        )}
      </div>
      {isLarge ? (
        <p class="card">{t.tooLarge(path, bytes(size), bytes(value.largest))}</p>
      ) : versions ? (
        <Versions path={path} />
      ) : (
        <Editor source={source} scripts={value?.users.get(path) ?? []} />
      )}
    </>
  );
}
