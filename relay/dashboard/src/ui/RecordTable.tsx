import type { ComponentChildren } from "preact";

interface Props {
  label: string;
  columns: readonly string[];
  /** Beside `runs`, by which all of these are laid out. */
  kind?: string;
  children: ComponentChildren;
}

/** Records in rows, which narrow screens show as cards. */
export function RecordTable({ label, columns, kind, children }: Props) {
  return (
    // The roles are those that the elements lose where they are laid out as cards.
    <table class={kind ? `runs ${kind}` : "runs"} role="table" aria-label={label}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th key={column} role="columnheader" scope="col">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">{children}</tbody>
    </table>
  );
}
