// "A chain of your own" in README.md, word for word: the commands are taken from the page and run in a shell, on free
// ports instead of those on the page.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, auditGreen, binary, freePort, scenario } from './lib.mjs';

/** The first block of code below a heading. */
function codeBelow(heading) {
  const page = readFileSync(join(ROOT, 'README.md'), 'utf8').split('\n');
  const from = page.indexOf(heading);
  assert.ok(from >= 0, `README.md has "${heading}"`);
  const first = page.findIndex((line, i) => i > from && line.startsWith('    '));
  const after = page.findIndex((line, i) => i > first && line !== '' && !line.startsWith('    '));
  return page.slice(first, after).map((line) => line.slice(4));
}

await scenario('own_chain', 240, async (t) => {
  // What a fresh clone has after it was built; the rest is made by the commands.
  mkdirSync(join(t.dir, 'build', 'release', 'node'), { recursive: true });
  symlinkSync(binary(), join(t.dir, 'build', 'release', 'node', 'tallystick'));
  symlinkSync(join(ROOT, 'config'), join(t.dir, 'config'));
  let text = codeBelow('## A chain of your own').join('\n');
  const ports = [...new Set([...text.matchAll(/127\.0\.0\.1:(\d+)/g)].map((it) => it[1]))];
  assert.equal(ports.length, 4, 'two pages, a link and a door');
  for (const port of ports) text = text.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${await freePort()}`);
  const script = join(t.dir, 'own_chain.sh');
  // -e: every command must succeed. The end of the shell ends its nodes.
  writeFileSync(script, `set -eu\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n${text}\n`);
  const shell = t.start('commands', 'bash', [script], { cwd: t.dir, detached: true });
  t.finally(() => {
    try {
      process.kill(-shell.pid, 'SIGKILL'); // what a shell that was killed left
    } catch (problem) {
      assert.equal(problem.code, 'ESRCH');
    }
  });
  const outcome = await shell.ended;
  const said = readFileSync(shell.log, 'utf8');
  assert.deepEqual(outcome, { code: 0, signal: null }, said);
  assert.match(said, /^\d{3}-\d{3}$/m, 'a code for the till');
  assert.match(said, /Station Road/, 'head office sees the store');
  assert.equal(said.match(/All checks hold\./g)?.length, 2, said);
  const made = (name) => join(t.dir, 'mychain', name);
  const cards = readFileSync(made('cards.csv'), 'utf8').trim().split('\r\n').slice(1);
  assert.equal(cards.length, 100);
  assert.ok(cards.every((line) => /^9704\d{12},\d+$/.test(line)));
  assert.equal((await auditGreen(made('hq'), 'head office')).node, 1);
  for (const node of ['hq', 'store']) {
    assert.equal(statSync(made(node)).mode & 0o777, 0o700, `${node} is its owner's`);
    assert.ok(!existsSync(join(made(node), 'http.address')), `${node} stopped in order and left no address`);
  }
});
