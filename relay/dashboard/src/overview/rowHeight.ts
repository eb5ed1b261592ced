/** How high a row of the list is, in pixels: `--row` in `overview.css`, which goes by how wide the page is. */
import { useEffect, useState } from "preact/hooks";

export function useRowHeight(): number {
  const [height, setHeight] = useState(measured);
  useEffect(() => {
    const look = () => setHeight(measured());
    addEventListener("resize", look);
    return () => removeEventListener("resize", look);
  }, []);
  return height;
}

function measured(): number {
  return parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) || 64;
}
