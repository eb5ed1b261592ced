import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { isDark } from "../shell/theme";
import { translated } from "../text/language";

const words = translated({
  en: { table: "As a table", chart: "As a chart" },
  "zh-Hant": { table: "顯示為表格", chart: "顯示為圖表" },
});

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
  return (
    <figure class="chart" aria-label={label}>
      {asTable ? <TableOf {...table()} label={label} /> : <Drawing {...{ label, data, options, inputs }} />}
      <button type="button" class="quiet" onClick={() => setAsTable(!asTable)}>
        {asTable ? words().chart : words().table}
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
