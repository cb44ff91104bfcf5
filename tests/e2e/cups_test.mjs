// Receipts through a raw queue of a CUPS of our own: each ticket once, over a stopped queue, a node that is killed and a
// CUPS that is killed. Its back end writes what a printer would get into a folder.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listen, oneStore } from './devices_lib.mjs';
import { Paper, haveTables, linesOf, marksOf } from './escpos.mjs';
import { binary, command, freePort, hasCommand, scenario, skip, sleep, until } from './lib.mjs';

const PARTS = ['cgi-bin', 'daemon', 'driver', 'filter', 'monitor', 'notifier'];

class Cups {
  constructor(t, port) {
    Object.assign(this, { t, port, dir: join(t.dir, 'cups'), out: join(t.dir, 'paper') });
    for (const it of ['', 'bin', 'bin/backend', 'root', 'spool', 'cache', 'run', 'log']) mkdirSync(join(this.dir, it));
    mkdirSync(this.out);
    for (const it of PARTS) if (existsSync(`/usr/lib/cups/${it}`)) symlinkSync(`/usr/lib/cups/${it}`, join(this.dir, 'bin', it));
    const backend = join(this.dir, 'bin/backend/tally');
    writeFileSync(
      backend,
      `#!/bin/sh\n[ $# -eq 0 ] && exit 0\ncat \${6:+"$6"} >"${this.out}/part" && mv "${this.out}/part" "${this.out}/job-$1"\n`,
    );
    chmodSync(backend, 0o700); // of root alone: then CUPS runs it as root, who may write here
    const open = '  Order allow,deny\n  Allow all\n';
    writeFileSync(
      join(this.dir, 'cupsd.conf'),
      `LogLevel warn\nDirtyCleanInterval 0\nListen 127.0.0.1:${port}\nListen ${this.dir}/run/cups.sock\nBrowsing No\nWebInterface No\n` +
        `DefaultAuthType None\n<Location />\n${open}</Location>\n<Location /admin>\n${open}</Location>\n` +
        `<Policy default>\n<Limit All>\n${open}</Limit>\n</Policy>\n`,
    );
    const files = { ServerRoot: 'root', ServerBin: 'bin', RequestRoot: 'spool', CacheDir: 'cache', StateDir: 'run' };
    const logs = { AccessLog: 'access', ErrorLog: 'error', PageLog: 'page' };
    writeFileSync(
      join(this.dir, 'files.conf'),
      Object.entries(files).map(([key, it]) => `${key} ${this.dir}/${it}\n`).join('') +
        Object.entries(logs).map(([key, it]) => `${key} ${this.dir}/log/${it}\n`).join('') +
        'DataDir /usr/share/cups\nSandboxing relaxed\n',
    );
    t.logs.push(join(this.dir, 'log/error'));
  }
  async start() {
    const config = [join(this.dir, 'cupsd.conf'), join(this.dir, 'files.conf')];
    this.child = this.t.start('cupsd', 'cupsd', ['-f', '-c', config[0], '-s', config[1]]);
    await until('CUPS to answer', async () => (await this.run('lpstat', '-r')).out.includes('is running'));
  }
  run = (name, ...args) =>
    command(name, args, { env: { ...process.env, CUPS_SERVER: `127.0.0.1:${this.port}` }, ms: 20_000 });
  async good(name, ...args) {
    const done = await this.run(name, ...args);
    assert.equal(done.code, 0, `${name} ${args.join(' ')}: ${done.err}`);
  }
  tickets() {
    return readdirSync(this.out)
      .filter((it) => it.startsWith('job-'))
      .map((it) => {
        const paper = new Paper('big5');
        const data = readFileSync(join(this.out, it));
        assert.equal(paper.take(data), data.length, 'a job is whole commands');
        assert.equal(paper.tickets.length, 1, 'a job is one ticket');
        return paper.tickets[0];
      });
  }
  of = (receipt) => this.tickets().filter((it) => linesOf(it).includes(receipt.id));
}

await scenario('cups', 240, async (t) => {
  if (process.getuid() !== 0) skip('a CUPS of our own needs root');
  for (const it of ['cupsd', 'lpadmin', 'cupsdisable']) if (!hasCommand(it)) skip(`${it} is not installed`);
  if (!haveTables) skip('web/node_modules has no iconv-lite; tools/web installs it');
  const cups = new Cups(t, await freePort());
  await cups.start();
  await cups.good('lpadmin', '-p', 'receipts', '-E', '-v', `tally:${cups.out}`, '-m', 'raw');
  const queue = `[printer]\nqueue = "receipts@127.0.0.1:${cups.port}"\n[receipt]\nlanguage = "zh-Hant"`;
  const { store } = await oneStore(t, queue);
  let { till, events } = await listen(t, store);
  let counter = 0;
  const sell = async () => {
    const body = { counter: ++counter, lines: [{ product: 1, quantity: 1 }], tenders: [{ kind: 'cash', amount: 1250 }] };
    const a = await store.http.call('POST', '/api/v1/sales', body, { token: till.token });
    assert.equal(a.status, 200, JSON.stringify(a.body));
    return a.body;
  };
  const state = (wanted) =>
    until(`the printer to be ${wanted}`, async () => {
      const a = await store.http.call('GET', '/api/v1/till', undefined, { token: till.token });
      return a.body.devices.printer.state === wanted;
    });
  const printed = (receipt) => until(`the ticket of ${receipt.id}`, () => cups.of(receipt).length >= 1);
  await state('ready');
  const first = await sell();
  await printed(first);
  assert.deepEqual(linesOf(cups.of(first)[0]), first.text);
  t.step('a ticket through the queue is the preview');

  await cups.good('cupsdisable', 'receipts');
  await state('offline');
  const waiting = [await sell(), await sell()];
  await sleep(1_500); // the first of them lies at CUPS now
  await store.child.kill();
  await store.start();
  ({ till, events } = await listen(t, store));
  counter = 0; // another terminal
  const third = await sell();
  await cups.good('cupsenable', 'receipts');
  for (const it of [...waiting, third]) await printed(it);
  t.step('a stopped queue, and the node killed meanwhile: all tickets came');

  // A queue that takes no jobs: what it refused was never there, so what is printed later is the first, and says so.
  const devices = (part) => command(binary(), ['devices', part, '--config', store.config], { ms: 60_000 });
  await cups.good('cupsreject', 'receipts');
  await state('offline');
  const refused = await sell();
  await sleep(2_500);
  assert.match((await devices('doctor')).out, /printer +PROBLEM +queue receipts refuses all jobs: cupsaccept receipts/);
  await cups.good('cupsaccept', 'receipts');
  await state('ready');
  await printed(refused);
  assert.deepEqual(cups.of(refused).map(marksOf), [[]], 'no mark, and once');
  await events.next('print', (it) => it.receipt === refused.id && it.state === 'printed');
  await cups.good('cupsdisable', 'receipts');
  await state('offline');
  assert.match((await devices('doctor')).out, /printer +PROBLEM +queue receipts is paused: cupsenable receipts/);
  await cups.good('cupsenable', 'receipts');
  await state('ready');
  t.step('a queue that refused jobs: printed later, unmarked, and the doctor says what to do');

  // Right after a ticket's paper, so now and then before CUPS has written that down: then it comes again, marked.
  await cups.child.kill();
  await state('offline');
  const alone = await sell();
  await cups.start();
  await printed(alone);
  await until('the doubtful tickets to come', async () => (await cups.run('lpstat', '-o')).out.trim() === '');
  await sleep(3_000);
  let doubtful = 0;
  for (const it of [first, ...waiting, third, refused, alone]) {
    const all = cups.of(it);
    const unmarked = all.filter((ticket) => marksOf(ticket).length === 0);
    assert.equal(unmarked.length, 1, `${it.id}: ${unmarked.length} tickets without a mark`);
    for (const again of all) if (again !== unmarked[0]) assert.deepEqual(marksOf(again), ['可能重複列印'], it.id);
    doubtful += all.length - 1;
  }
  assert.ok(doubtful <= 1, `${doubtful} tickets came twice, and only one can have been under way`);
  t.step(`CUPS was killed and came back: each ticket once${doubtful > 0 ? ', and one again, marked' : ''}`);

  await store.stop();
  const before = readdirSync(cups.out).length;
  const found = await devices('doctor');
  assert.match(found.out, /printer +good +queue receipts/, found.out + found.err);
  const tried = await devices('test');
  assert.equal(tried.code, 0, tried.out + tried.err);
  assert.match(tried.out, /CUPS has handed the page over/);
  await until('the test page', () => readdirSync(cups.out).length > before);
  t.step('the doctor finds the queue, and a test page goes through it');
});
