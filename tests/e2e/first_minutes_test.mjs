// The first five minutes of README.md, with the real demo network and a browser on its pages: swipe, top up
// at A, spend at B, cut, sell at both, heal, devices, kill -9, audit. Every amount to the cent.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Browser, needBrowser } from './browser.mjs';
import {
  ROOT,
  Http,
  auditGreen,
  binary,
  command,
  freePort,
  good,
  hasCommand,
  scenario,
  skipPart,
  sleep,
  until,
} from './lib.mjs';

const LOAF = 1250;
const alive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Starts the demo: what it wrote when it was ready, and a client for its control interface. */
async function startDemo(t) {
  const ready = join(t.dir, 'ready.json');
  const args = ['demo', '--data', join(t.dir, 'data'), '--port', String(await freePort())];
  args.push('--web', join(ROOT, 'web', 'dist'), '--json-ready', ready);
  const child = t.start('demo', binary(), args);
  for (const name of ['hq', 'region', 'store-a', 'store-b']) t.logs.push(join(t.dir, 'data', `${name}.out`));
  const info = await until(
    'the demo to be up',
    () => {
      if (!child.running) throw Object.assign(new Error('the demo ended'), { lasting: true });
      try {
        return JSON.parse(readFileSync(ready, 'utf8'));
      } catch {
        return null;
      }
    },
  );
  const control = new Http(info.control);
  t.finally(() => control.close());
  const named = (name) => info.nodes.find((it) => it.name === name);
  return {
    child,
    info,
    control,
    hq: named('Head office'),
    region: named('Region North'),
    a: named('Store A'),
    b: named('Store B'),
  };
}

class Demo {
  constructor(t, started) {
    Object.assign(this, { t }, started);
    this.expected = { [this.a.node]: [], [this.b.node]: [] };
  }
  statusOf = async (node) => JSON.parse((await good(['status', '--data', node.data, '--json'])).out);
  tickets = async (node) =>
    (await this.control.good('GET', `/demo/nodes/${node.node}/printer`)).tickets.map((it) =>
      // The code that proves it stands under the text.
      it.replace(/\n\[QR\] [^]*$/, '').replace(/\n+$/, '').split('\n'),
    );
  /** The preview of a till's receipt is remembered: the paper must say the same. */
  async expect(node, page, counter) {
    const receipt = await page.ticket(counter);
    this.expected[node.node].push(receipt.lines);
    return receipt;
  }
  async comparePaper(node) {
    const want = this.expected[node.node];
    await until(
      `${want.length} tickets of ${node.name}`,
      async () => (await this.tickets(node)).length >= want.length,
    );
    // The demo may list its newest ticket first.
    const told = (list) => list.map((lines) => lines.join('\n')).sort();
    assert.deepEqual(told(await this.tickets(node)), told(want), `${node.name}: paper and previews`);
  }
  cosigned = (node) =>
    until(
      `${node.name}: all cosigned by head office`,
      async () => {
        const s = await this.statusOf(node);
        return s.entries > 0 && s.hq_cosigned === s.entries;
      },
      );
}

async function openPages(d, browser) {
  const hosts = [d.info.control, ...d.info.nodes.map((it) => it.url)];
  const network = await browser.open(`${d.hq.url}/network`, hosts);
  const tillA = await browser.open(`${d.a.url}/?code=${d.a.code}`, hosts);
  const tillB = await browser.open(`${d.b.url}/?code=${d.b.code}`, hosts);
  for (const till of [tillA, tillB]) {
    await till.at('product-1').waitFor();
    await till.has('status-reader', 'state', 'ready');
    await till.has('status-printer', 'state', 'ready');
    await till.has('status-link', 'state', 'link_up');
  }
  await network.at(`demo-swipe-${d.a.node}`).waitFor();
  return { network, tillA, tillB };
}

async function swipe(network, node, till, card) {
  await network.at(`demo-card-${node.node}`).selectOption(card);
  await network.click(`demo-swipe-${node.node}`);
  await till.at('card-masked').waitFor();
}

await scenario('first_minutes', 1_200, async (t) => {
  needBrowser();
  const d = new Demo(t, await startDemo(t));
  const browser = await Browser.start(t);
  const { network, tillA, tillB } = await openPages(d, browser);
  const { a, b } = d;
  const card = d.info.cards[0].number;
  t.step('the demo and its pages are up');

  // 1. Swipe at A, top up by 100.00.
  await swipe(network, a, tillA, card);
  assert.equal(await tillA.minor('card-here'), 0);
  await tillA.click('topup-tender-cash', 'topup-100', 'topup-commit');
  await tillA.has('card-here', 'minor', 10_000);
  const topUp = await d.expect(a, tillA, 1);
  assert.ok(
    topUp.lines.some((line) => /^TOTAL CNY +100\.00$/.test(line)),
    topUp.lines.join('\n'),
  );
  await tillA.click('card-remove');
  await d.comparePaper(a);
  t.step('topped up at A: 100.00');

  // 2. Two loaves at B, which holds nothing of this card.
  await swipe(network, b, tillB, card);
  assert.equal(await tillB.minor('card-here'), 0);
  await tillB.has('card-elsewhere', 'minor', 10_000);
  await tillB.click('product-1', 'product-1');
  await tillB.has('total', 'minor', 2 * LOAF);
  await tillB.click('pay-card');
  await tillB.at('last-card').waitFor();
  const leftAtB = await tillB.minor('last-here');
  await d.expect(b, tillB, 1);
  await d.comparePaper(b);
  const leftAtA = (await d.statusOf(a)).held;
  assert.equal(leftAtA + leftAtB, 10_000 - 2 * LOAF, 'nothing is lost or made on the way');
  assert.ok(leftAtA >= LOAF, 'A keeps what B did not need');
  t.step(`spent at B: 25.00; ${leftAtA / 100} left at A, ${leftAtB / 100} at B`);

  // 3. Both lines are cut.
  for (const node of [a, b]) {
    await network.click(`demo-link-${node.node}`);
    await network.has(`demo-link-${node.node}`, 'cut', 'true');
  }
  await swipe(network, a, tillA, card);
  await tillA.has('card-here', 'minor', leftAtA);
  await tillA.click('product-1', 'pay-card');
  await tillA.has('last-here', 'minor', leftAtA - LOAF);
  await d.expect(a, tillA, 2);
  const quantity = Math.floor(leftAtB / LOAF) + 1;
  const short = quantity * LOAF - leftAtB;
  await swipe(network, b, tillB, card);
  for (let i = 0; i < quantity; ++i) await tillB.click('product-1');
  await tillB.click('pay-card');
  await tillB.has('notice', 'error', 'insufficient');
  const money = (minor) => (minor / 100).toFixed(2);
  const said = await tillB.at('error').first().innerText();
  assert.ok(said.includes(`${money(leftAtB)} here`), said);
  assert.ok(said.includes(`${money(short)} short`), said);
  assert.ok(said.includes(`${money(leftAtA)} elsewhere`), said);
  await tillB.click('notice-close', 'basket-clear', 'card-remove');
  await tillB.click('product-1', 'pay-cash');
  await d.expect(b, tillB, 2);
  for (const till of [tillA, tillB]) {
    await till.has('status-link', 'state', 'link_down');
    await till.at('banner-offline').waitFor();
  }
  for (const node of [a, b]) {
    const s = await d.statusOf(node);
    assert.ok(!s.link_up && s.hq_cosigned < s.entries, `${node.name} has entries that wait`);
    await network.shows(`tree-link-${node.node}`, 'cut');
    await network.has(`link-${node.node}`, 'link', 'down');
  }
  await network.shows('links-down', '2');
  t.step(`without the line: A sold, B refused: "${said}"`);

  // 4. Healed: everything drains.
  for (const node of [a, b]) {
    await network.click(`demo-link-${node.node}`);
    await network.has(`demo-link-${node.node}`, 'cut', 'false');
  }
  for (const node of [a, b, d.region]) await d.cosigned(node);
  for (const till of [tillA, tillB]) {
    await till.has('status-link', 'state', 'link_up');
    await till.has('status-link', 'waiting', '0');
  }
  for (const node of [a, b]) await network.has(`link-${node.node}`, 'link', 'up');
  for (const node of [a, b]) await d.comparePaper(node);
  t.step('healed and cosigned');

  await devices(d, network, tillA);
  t.step('reader unplugged and back; a ticket waited for paper');
  await killA(d, network, tillA, card);
  t.step('A was killed and sells again');

  // 6. The books.
  for (const node of [a, b, d.region]) await d.cosigned(node);
  for (const node of [a, b]) await d.comparePaper(node);
  await books(d, { loaded: 10_000, spent: 4 * LOAF, held: 10_000 - 4 * LOAF });
  assert.deepEqual(browser.complaints, [], 'console of the pages');

  const pids = [d.info.pid, ...(await d.control.good('GET', '/demo/state')).nodes.map((it) => it.pid)];
  d.child.signal('SIGINT');
  assert.deepEqual(await d.child.ended, { code: 0, signal: null }, 'Ctrl-C ends the demo in order');
  assert.deepEqual(pids.filter(alive), [], 'no process is left');
  for (const node of d.info.nodes) await auditGreen(node.data, `${node.name}, stopped`);
});

/** The reader is unplugged and comes back; the printer runs out of paper under a ticket. */
async function devices(d, network, tillA) {
  const { a, control } = d;
  const second = d.info.cards[1].number;
  await network.click(`demo-plug-${a.node}-reader`);
  await tillA.has('status-reader', 'state', 'unplugged');
  const refused = await control.post(`/demo/nodes/${a.node}/swipe`, { card: second });
  assert.notEqual(refused.status, 200, 'nothing is swiped on a reader that is not there');
  await network.click(`demo-plug-${a.node}-reader`);
  await tillA.has('status-reader', 'state', 'ready');
  await swipe(network, a, tillA, second);
  await tillA.click('card-remove');

  const before = (await d.tickets(a)).length;
  await network.at(`demo-paper-${a.node}`).selectOption('out');
  await tillA.has('status-printer', 'state', 'paper_out');
  await tillA.click('product-1', 'pay-cash');
  await d.expect(a, tillA, 3);
  await tillA.at('banner-paper').waitFor();
  await sleep(1_000);
  assert.equal((await d.tickets(a)).length, before, 'nothing is printed without paper');
  await network.at(`demo-paper-${a.node}`).selectOption('ok');
  await tillA.has('status-printer', 'state', 'ready');
  await d.comparePaper(a);
  await sleep(3_000);
  assert.equal((await d.tickets(a)).length, before + 1, 'printed once');
}

/** kill -9 of store A from the network page, and back. */
async function killA(d, network, tillA, card) {
  const { a } = d;
  await network.click(`demo-power-${a.node}`);
  await network.has(`demo-power-${a.node}`, 'running', 'false');
  await tillA.has('status-link', 'state', 'node_down');
  await network.click(`demo-power-${a.node}`);
  await network.has(`demo-power-${a.node}`, 'running', 'true');
  await tillA.has('status-link', 'state', 'link_up');
  await tillA.has('status-reader', 'state', 'ready');
  await tillA.has('status-printer', 'state', 'ready');
  await swipe(network, a, tillA, card);
  await tillA.click('product-1', 'pay-card');
  await tillA.at('last-card').waitFor();
  await d.expect(a, tillA, 4);
}

/** Audits green everywhere; the sums at head office; hledger agrees. */
async function books(d, want) {
  const reports = {};
  for (const node of d.info.nodes) reports[node.name] = await auditGreen(node.data, node.name);
  const total = reports['Head office'].totals.find((it) => it.unit === 'CNY');
  assert.ok(total, 'head office has totals of the currency');
  assert.deepEqual(
    { loaded: total.loaded, spent: total.spent, held: total.held, moving: total.moving },
    { ...want, moving: 0 },
    'the sums at head office',
  );
  const journal = join(d.t.dir, 'books.journal');
  await good(['export', '--data', d.hq.data, '--format', 'hledger', '--out', journal]);
  if (!hasCommand('hledger'))
    return skipPart('hledger is not installed, the exported journal was not checked by it');
  const checked = await command('hledger', ['-f', journal, 'check', '--strict', 'ordereddates']);
  assert.equal(checked.code, 0, checked.err);
  const held = await command('hledger', [
    '-f',
    journal,
    'balance',
    '^hold:',
    '--flat',
    '-N',
    '--format',
    '%(total)',
  ]);
  assert.equal(held.code, 0, held.err);
  const minor = held.out
    .split('\n')
    .filter((it) => it.includes('CNY'))
    .map((it) => Math.round(parseFloat(it) * 100));
  assert.equal(-minor.reduce((x, y) => x + y, 0), want.held, 'hledger sums what is held');
}
