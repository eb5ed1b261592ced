import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { isDark } from "../shell/theme";
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
  /** Columns of numbers; the first one is where each value stands, in Unix seconds for times. */
  data: uPlot.AlignedData;
  /** Without width and height, which follow the element's. Called anew when `inputs` or the theme change. */
  options(): Omit<uPlot.Options, "width" | "height">;
  inputs: readonly unknown[];
  /** The same in words, for who wants to read it. */
  table(): Table;
}

/** A chart in the size of its element, and at the reader's wish a table instead. */
export function Chart({ label, data, options, inputs, table }: Props) {
  const [asTable, setAsTable] = useState(false);
  const other = asTable ? words().chart : words().table;
  return (
    <figure class="chart" aria-label={label}>
      {asTable ? <TableOf {...table()} label={label} /> : <Drawing {...{ label, data, options, inputs }} />}
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

function Drawing({ label, data, options, inputs }: Omit<Props, "table">) {
  const ref = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const element = ref.current!;
    const size = () => ({ width: element.clientWidth, height: element.clientHeight });
    const made = new uPlot({ ...options(), ...size() }, data, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize(size()));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [isDark.value, ...inputs]);
  useEffect(() => plot.current?.setData(data), [data]);
  return <div ref={ref} class="drawing" role="img" aria-label={label} />;
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
