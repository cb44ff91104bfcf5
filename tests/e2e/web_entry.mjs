// One ctest entry for one of the pages' own checks: `node web_entry.mjs unit|typecheck|pages`. Skips, with
// the reason, when the npm packages or the built pages are not there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const web = join(ROOT, 'web');
const checks = {
  unit: { args: [join(web, 'test.mjs')], needs: ['node_modules/esbuild'] },
  typecheck: {
    args: [join(web, 'node_modules', 'typescript', 'bin', 'tsc'), '--noEmit'],
    needs: ['node_modules/typescript'],
  },
  pages: {
    args: [join(ROOT, 'tests', 'e2e', 'pages_test.mjs')],
    needs: ['node_modules/playwright-core', 'dist/till.html', 'dist/network.html'],
  },
};
const check = checks[process.argv[2]];
if (!check) {
  console.log(`one of ${Object.keys(checks).join(', ')} is needed`);
  process.exit(2);
}
const missing = check.needs.filter((it) => !existsSync(join(web, it)));
if (missing.length > 0) {
  console.log(`SKIPPED: web/${missing[0]} is missing; tools/web installs and builds it`);
  process.exit(77);
}
const done = spawnSync(process.execPath, check.args, { cwd: web, encoding: 'utf8', maxBuffer: 64 << 20 });
process.stdout.write(done.stdout.replace(/^SKIP: /gm, 'SKIPPED: '));
process.stderr.write(done.stderr);
process.exit(done.status ?? 1);
