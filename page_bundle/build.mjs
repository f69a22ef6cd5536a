/** Bundle the page: `node build.mjs STATIC DIGEST` writes STATIC/bundle. `build.py` runs this. */

import { build } from "esbuild";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const ENTRIES = ["js/main.js", "css/page.css", "css/plain.css", "icon.svg"];
const [folder, digest] = process.argv.slice(2);
const target = join(folder, "bundle");

rmSync(target, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: folder,
  entryPoints: ENTRIES,
  outdir: "bundle",
  bundle: true,
  minify: true,
  splitting: true,
  format: "esm",
  target: "es2023",
  sourcemap: "linked",
  entryNames: "[name]-[hash]",
  chunkNames: "part-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".svg": "copy" },
  metafile: true,
});
for (const name of readdirSync(target).filter((found) => /\.(js|css|svg)$/.test(found))) {
  const text = readFileSync(join(target, name));
  const brotli = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  writeFileSync(join(target, `${name}.br`), brotliCompressSync(text, brotli));
  writeFileSync(join(target, `${name}.gz`), gzipSync(text, { level: 9 }));
}
const built = Object.entries(metafile.outputs).filter(([, { entryPoint }]) => entryPoint);
const files = Object.fromEntries(built.map(([output, { entryPoint }]) => [entryPoint, output]));
writeFileSync(join(target, "manifest.json"), JSON.stringify({ digest, files }));
