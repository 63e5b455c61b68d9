import { createRequire } from "node:module";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// The plugin is CommonJS and has no default export that Vite can see.
const locales = createRequire(import.meta.url)("@react-aria/optimize-locales-plugin") as {
  vite: (options: { locales: string[] }) => import("vite").Plugin;
};

export default defineConfig({
  plugins: [react(), { ...locales.vite({ locales: ["en-US"] }), enforce: "pre" }],
  base: "./",
  build: {
    outDir: "../core/src/shortlist/serving/playground/static",
    emptyOutDir: true,
    // Data URLs would need more than `default-src 'self'`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    license: { fileName: "licenses.txt" },
    target: "es2022",
  },
  server: { proxy: { "/playground/api": "http://127.0.0.1:8000" } },
});
