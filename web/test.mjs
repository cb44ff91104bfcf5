// Bundles the unit tests and runs them with node's own test runner, whose summary ends the output.
import { build } from 'esbuild';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'tally-web-test-'));
const tests = readdirSync(join(here, 'test')).filter((name) => name.endsWith('_test.mjs'));
let code = 1;
try {
  await build({
    absWorkingDir: here,
    entryPoints: tests.map((name) => join('test', name)),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node18',
    format: 'esm',
    logLevel: 'warning',
  });
  code =
    spawnSync(process.execPath, ['--test', ...tests.map((name) => join(out, name))], {
      stdio: 'inherit',
      cwd: here,
    }).status ?? 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
process.exit(code);
