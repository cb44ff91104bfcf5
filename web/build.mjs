// Bundles both pages into dist/: two html files and an assets folder, with no reference to any other host.
import { build } from 'esbuild';
import { copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';

const here = fileURLToPath(new URL('.', import.meta.url));
const dist = join(here, 'dist');
const assets = join(dist, 'assets');

await rm(dist, { recursive: true, force: true });
await mkdir(assets, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { till: 'src/till/main.tsx', network: 'src/network/main.tsx' },
  outdir: 'dist/assets',
  bundle: true,
  minify: true,
  format: 'esm',
  charset: 'utf8',
  target: ['es2021', 'chrome100', 'firefox100', 'safari15'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'eof',
  logLevel: 'warning',
});
for (const page of ['till.html', 'network.html']) await copyFile(join(here, 'src', page), join(dist, page));
await copyFile(join(here, 'src', 'icon.svg'), join(assets, 'icon.svg'));

for (const file of [
  'till.html',
  'network.html',
  'assets/till.js',
  'assets/till.css',
  'assets/network.js',
  'assets/network.css',
]) {
  const path = join(dist, file);
  const size = (await stat(path)).size;
  console.log(
    `${file.padEnd(20)} ${String(size).padStart(7)} bytes, ${String(gzipSync(readFileSync(path)).length).padStart(6)} gzip`,
  );
}
