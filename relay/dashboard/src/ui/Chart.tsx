import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { isDark } from "../shell/theme";
import { Figure, type Table } from "./Figure";

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
export function Chart({ label, table, ...drawing }: Props) {
  return (
    <Figure label={label} table={table}>
      <Drawing label={label} {...drawing} />
    </Figure>
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
