import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { translated } from "../text/language";

const words = translated({
  en: { table: "As a table", chart: "As a chart" },
  "zh-Hant": { table: "顯示為表格", chart: "顯示為圖表" },
});

/** Paths in a box of 16 by 16. */
const TABLE = "M2 2h12v12H2Zm1.5 1.5v2h9v-2Zm0 3.5v2h3.5v-2Zm5 0v2h4v-2Zm-5 3.5v2h3.5v-2Zm5 0v2h4v-2Z";
const CHART = "M2 2h1.5v10.5H14V14H2Zm3.2 7.6 3-3.4 2 2 3-4 1.2.9-4 5.3-2.1-2-2 2.3Z";

/** Text for every cell, below its column's name. */
export interface Table {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

interface Props {
  /** What it shows, for who cannot see it. */
  label: string;
  /** The same in words, for who wants to read it. */
  table(): Table;
  children: ComponentChildren;
}

/** What is shown by a drawing, and at the reader's wish by a table instead. */
export function Figure({ label, table, children }: Props) {
  const [asTable, setAsTable] = useState(false);
  const other = asTable ? words().chart : words().table;
  return (
    <figure class="chart" aria-label={label}>
      {asTable ? <TableOf {...table()} label={label} /> : children}
      <button
        type="button"
        class="icon"
        aria-label={`${label}: ${other}`}
        title={other}
        onClick={() => setAsTable(!asTable)}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path fill-rule="evenodd" d={asTable ? CHART : TABLE} />
        </svg>
      </button>
    </figure>
  );
}

function TableOf({ columns, rows, label }: Table & { label: string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, index) => (
            <tr key={index}>
              {cells.map((cell, column) => (
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
