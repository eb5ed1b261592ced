/** How high a row of a list is, in pixels: a property of the style, which goes by how wide the page is. */
import { useEffect, useState } from "preact/hooks";

export function useRowHeight(property = "--row"): number {
  const [height, setHeight] = useState(() => measured(property));
  useEffect(() => {
    const look = () => setHeight(measured(property));
    addEventListener("resize", look);
    return () => removeEventListener("resize", look);
  }, [property]);
  return height;
}

function measured(property: string): number {
  const pixels = parseFloat(getComputedStyle(document.documentElement).getPropertyValue(property));
  return Number.isNaN(pixels) ? 64 : pixels;
}
