import { defineConfig } from "vitest/config";

const service = "http://127.0.0.1:8917";

export default defineConfig({
  base: "./", // relative addresses: the page works under any path
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    // The page's Content-Security-Policy is `default-src 'self'`: no data: URLs, no inline scripts.
    assetsInlineLimit: 0,
    // One style for all parts, a few kB: a part whose own could not be had would come without it at the next attempt.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
  },
  test: { environment: "happy-dom" },
  // `npm run dev` shows the page with a running service behind it.
  server: { proxy: { "/api": service, "/ws": { target: service, ws: true } } },
});
