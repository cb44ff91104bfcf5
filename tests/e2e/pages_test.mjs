// Drives both pages in Chromium against the mock node. Exit status 0: all passed; 1: something failed; 77:
// skipped, with the reason. Needs web/dist (npm run build) and playwright-core (npm ci in web/).
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { startMock } from './mock_node.mjs';
import { memberTests } from './pages_members.mjs';
import { codeTests } from './pages_codes.mjs';
import { amountTests } from './pages_amount.mjs';
import { partTests } from './pages_part.mjs';
import { pinTests } from './pages_pins.mjs';
import { shelfTests } from './pages_shelf.mjs';
import { giveBackTests } from './pages_giveback.mjs';
import { returnTests } from './pages_returns.mjs';
import { programmeTests } from './pages_programme.mjs';

const CHROMIUM = process.env.TALLY_CHROMIUM ?? '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const A = '9704000000003931';
const B = '9704000000004002';
const SIZES = [
  [1280, 800],
  [1024, 768],
  [390, 844],
];

if (!existsSync(CHROMIUM)) {
  console.log(`SKIP: no Chromium at ${CHROMIUM} (TALLY_CHROMIUM names another)`);
  process.exit(77);
}
const { chromium } = createRequire(new URL('../../web/package.json', import.meta.url))('playwright-core');

let mock;
let browser;
/**
 * Console errors that are not the expected traces of refused or lost requests: above all violations of the
 * policy.
 */
let complaints;
let foreign;

async function open(path, [width, height] = SIZES[0]) {
  const context = await browser.newContext({ viewport: { width, height }, locale: 'en-US' });
  context.setDefaultTimeout(Number(process.env.T ?? 60_000));
  const page = await context.newPage();
  page.on(
    'console',
    (it) => it.type() === 'error' && !it.text().startsWith('Failed to load resource') && complaints.push(it.text()),
  );
  page.on('pageerror', (it) => complaints.push(String(it)));
  const base = mock.url;
  page.on('request', (it) => it.url().startsWith(`${base}/`) || foreign.push(it.url()));
  await page.goto(base + path);
  return page;
}
const at = (page, id) => page.locator(`[data-testid="${id}"]`);
const click = (page, ...ids) =>
  ids.reduce((before, id) => before.then(() => at(page, id).click()), Promise.resolve());
const shows = (page, id, text) => at(page, id).filter({ hasText: text }).waitFor();
const has = (page, id, attribute, value) =>
  page.locator(`[data-testid="${id}"][data-${attribute}="${value}"]`).waitFor();
const demo = async (path, body = {}) => {
  const answer = await fetch(mock.url + path, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(answer.status, 200, path);
};
const swipe = (card) => demo('/demo/nodes/3/swipe', { card });

/** A paired till whose event stream is open. */
async function till(size) {
  mock.state.codes.add('482-913');
  const before = mock.counts.streams;
  const page = await open('/?code=482-913', size);
  await at(page, 'product-1').waitFor();
  while (mock.counts.streams === before) await new Promise((resolve) => setTimeout(resolve, 20));
  return page;
}
const only = () => [...mock.state.receipts.values()];

/** Nothing runs over the edge, and whatever is touched is large enough for a finger. */
async function fits(page, where) {
  const over = await page.evaluate(() => {
    const { scrollWidth, scrollHeight } = document.documentElement;
    const wide = [...document.querySelectorAll('.panel, .panel *')].filter((it) => {
      const panel = it.closest('.panel').getBoundingClientRect();
      return !it.closest('.gifts, .ticket, .sr-only') && it.getBoundingClientRect().right > panel.right + 1;
    });
    const page = scrollWidth > innerWidth || scrollHeight > innerHeight ? ['the page'] : [];
    return [...page, ...wide.map((it) => it.dataset.testid ?? it.className)];
  });
  assert.deepEqual(over, [], where);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('button, input, select')]
      .filter((it) => {
        const box = it.getBoundingClientRect();
        return box.width > 0 && (box.height < 42 || box.width < 42);
      })
      .map((it) => it.dataset.testid),
  );
  assert.deepEqual(small, [], where);
}

const tests = {
  async 'pairing: a wrong code says why, the right one opens the till'() {
    const page = await open('/');
    await at(page, 'pair-code').fill('12');
    await click(page, 'pair-submit');
    await shows(page, 'pair-error', '6 digits');
    await at(page, 'pair-code').fill('000-000');
    await click(page, 'pair-submit');
    await shows(page, 'pair-error', 'wrong, used or expired');
    await at(page, 'pair-code').fill('482913');
    await click(page, 'pair-submit');
    await shows(page, 'store-name', 'Store A');
  },

  async 'pairing: the code in the address is used once and leaves the address'() {
    const page = await till();
    assert.equal(page.url(), `${mock.url}/`);
    await page.goto(`${mock.url}/?code=111-111`);
    await at(page, 'product-1').waitFor();
    assert.ok(mock.state.codes.has('111-111'), 'a paired till does not pair again');
    const other = await open('/?code=999-999');
    await shows(other, 'pair-error', 'wrong, used or expired');
  },

  async 'a swiped card pays for scanned goods, to the cent'() {
    const page = await till();
    await swipe(A);
    await has(page, 'card-here', 'minor', 5000);
    await has(page, 'card-elsewhere', 'minor', 2000);
    await demo('/demo/nodes/3/scan', { ean: mock.state.products[0].ean });
    await demo('/demo/nodes/3/scan', { ean: mock.state.products[0].ean });
    await has(page, 'total', 'minor', 2500);
    await click(page, 'pay-card');
    await shows(page, 'ticket', '2 x 12.50');
    await shows(page, 'message', 'Paid 25.00 · Here 25.00');
    await has(page, 'last-here', 'minor', 2500);
    assert.equal(await at(page, 'card-masked').count(), 0, 'the card is given back');
    assert.equal(mock.state.cards.get(A).here, 2500);
    assert.deepEqual(only()[0].tenders, [{ kind: 'card', amount: 2500 }]);
  },

  async 'keys alone make a sale, however late the screen is drawn: search, card number, F8'() {
    const page = await till();
    // A busy machine draws late; what is typed meanwhile still goes where the key before it pointed.
    await page.evaluate(() => {
      window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 2_000);
    });
    await page.keyboard.press('F2');
    await page.keyboard.type(mock.state.products[2].ean + '\n');
    await has(page, 'total', 'minor', 600);
    await page.keyboard.press('F4');
    await page.keyboard.type(`${A}\n`);
    await at(page, 'card-masked').waitFor();
    await page.keyboard.press('F8');
    await at(page, 'ticket').waitFor();
    assert.equal(mock.state.cards.get(A).here, 4400);
  },

  async 'too little on the card: the figures are said and the rest goes in cash'() {
    await demo('/demo/links/3/cut');
    const page = await till();
    await swipe(A);
    await at(page, 'card-masked').waitFor();
    await click(page, 'product-5', 'pay-card');
    await shows(page, 'error', 'Not enough on the card here: 50.00 here, 20.00 elsewhere, 14.00 short.');
    await click(page, 'pay-rest-cash');
    await at(page, 'ticket').waitFor();
    assert.deepEqual(only()[0].tenders, [
      { kind: 'card', amount: 5000 },
      { kind: 'cash', amount: 1400 },
    ]);
    assert.equal(mock.counts.executed, 1);
  },

  async 'a double click is one sale'() {
    const page = await till();
    mock.faults.push('slow');
    await click(page, 'product-1');
    await at(page, 'pay-cash').dblclick({ force: true });
    await at(page, 'ticket').waitFor();
    assert.equal(mock.counts.executed, 1);
    assert.equal(mock.counts.money, 1);
  },

  async 'a lost answer is asked for again and recorded once'() {
    const page = await till();
    await click(page, 'product-1');
    mock.faults.lasting = 'lose_answer';
    await click(page, 'pay-cash');
    await shows(page, 'banner-unanswered', 'Unanswered, retrying: Sale of 12.50');
    await click(page, 'product-2');
    await shows(page, 'message', 'Not added');
    mock.faults.lasting = 'unknown';
    await click(page, 'retry-now');
    mock.faults.lasting = undefined;
    await shows(page, 'message', 'The answer came: Sale of 12.50 is recorded.');
    assert.equal(mock.counts.executed, 1);
    assert.ok(mock.counts.money >= 2);
  },

  async 'a reload finishes what was unanswered'() {
    const page = await till();
    await click(page, 'product-1');
    mock.faults.lasting = 'lose_answer';
    await click(page, 'pay-cash');
    await at(page, 'banner-unanswered').waitFor();
    await page.reload();
    await at(page, 'banner-unanswered').waitFor();
    mock.faults.lasting = undefined;
    await at(page, 'ticket').waitFor();
    assert.equal(mock.counts.executed, 1);
    assert.equal(await page.evaluate(() => localStorage.getItem('tally.pending')), null);
    await click(page, 'view-products', 'product-1', 'pay-cash');
    await at(page, 'receipt-9').waitFor();
    assert.equal(mock.counts.executed, 2);
  },

  async 'what another terminal number left unanswered is not sent by itself'() {
    const page = await till();
    await page.evaluate(() =>
      localStorage.setItem(
        'tally.pending',
        JSON.stringify({
          v: 1,
          terminal: 150,
          counter: 77,
          kind: 'sale',
          path: '/api/v1/sales',
          body: '{}',
          amount: 1250,
        }),
      ),
    );
    await page.reload();
    await shows(page, 'banner-orphan', 'terminal 150');
    assert.equal(mock.counts.money, 0);
    await click(page, 'orphan-dismiss', 'product-1', 'pay-cash');
    await at(page, 'ticket').waitFor();
  },

  async 'top-up: buttons and typed amounts, strictly read'() {
    const page = await till();
    await swipe(A);
    await at(page, 'card-masked').waitFor();
    for (const text of ['1,000', '-5', '1.005', '0', '1e3']) {
      await at(page, 'topup-amount').fill(text);
      await at(page, 'topup-problem').filter({ hasText: /./ }).waitFor();
      assert.ok(await at(page, 'topup-commit').isDisabled(), text);
    }
    await click(page, 'topup-100', 'topup-commit');
    await has(page, 'card-here', 'minor', 15000);
    await at(page, 'topup-amount').fill('12.5');
    await click(page, 'topup-tender-bank', 'topup-commit');
    await has(page, 'card-here', 'minor', 16250);
    assert.equal(only()[1].tenders[0].kind, 'bank');
    await at(page, 'topup-amount').fill('99999');
    await click(page, 'topup-commit');
    await shows(page, 'error', '4,887.50');
  },

  async 'reversal asks first, undoes once, and a copy can be printed'() {
    const page = await till();
    await swipe(A);
    await at(page, 'card-masked').waitFor();
    await click(page, 'product-1', 'pay-card');
    await at(page, 'ticket').waitFor();
    await click(page, 'print-copy');
    await shows(page, 'message', 'copy was sent');
    assert.match(mock.state.storedTickets[0], /COPY/);
    await click(page, 'reverse-last', 'reverse-no');
    assert.equal(mock.counts.executed, 1);
    await click(page, 'reverse-last', 'reverse-yes');
    await shows(page, 'ticket', 'REVERSAL');
    assert.equal(mock.state.cards.get(A).here, 5000);
    assert.ok(await at(page, 'reverse-last').isDisabled());
    await click(page, 'receipt-8');
    assert.ok(await at(page, 'reverse-this').isDisabled());
  },

  async 'the day in sums, printed once and then as a copy'() {
    const page = await till();
    await click(page, 'product-1', 'pay-cash');
    await at(page, 'ticket').waitFor();
    await click(page, 'report-open');
    await shows(page, 'report-text', '2026-11-22, all');
    await at(page, 'report-all').uncheck();
    await shows(page, 'report-text', /2026-11-22, \d+/);
    await click(page, 'report-print');
    await shows(page, 'message', 'The report was sent');
    assert.match(mock.state.storedTickets[0], /^DAY REPORT/);
    await click(page, 'report-print');
    await shows(page, 'message', 'printed before');
    assert.match(mock.state.storedTickets[0], /COPY/);
    await click(page, 'report-close');
  },

  async 'refusals are said in words: unknown card, frozen card, unknown barcode'() {
    const page = await till();
    await swipe('9704000000009999');
    await shows(page, 'error', 'This card is not known.');
    await demo('/demo/nodes/3/scan', { ean: '4000000000006' });
    await shows(page, 'error', '4000000000006');
    await swipe('9704000000005555');
    await shows(page, 'card-status', 'frozen');
    await click(page, 'product-6', 'pay-card');
    await shows(page, 'error', 'may not be used');
  },

  async 'line, devices, blocking: told at once and calmly; after a break everything is re-read'() {
    const page = await till();
    await has(page, 'status-link', 'state', 'link_up');
    await demo('/demo/links/3/cut');
    await shows(page, 'banner-offline', 'Working without the line; entries waiting: 0');
    await click(page, 'product-1', 'pay-cash');
    await shows(page, 'banner-offline', 'entries waiting: 1');
    await demo('/demo/nodes/3/printer', { paper: 'out' });
    await has(page, 'status-printer', 'state', 'paper_out');
    await at(page, 'banner-paper').waitFor();
    await demo('/demo/nodes/3/unplug', { kind: 'reader' });
    await has(page, 'status-reader', 'state', 'unplugged');
    mock.state.blocked = 'rolled_back';
    mock.emit('blocked', { blocked: 'rolled_back' });
    await shows(page, 'banner-blocked', 'old copy of its data');
    Object.assign(mock.state, { blocked: null, printer: 'ready' });
    mock.dropStreams();
    await has(page, 'status-printer', 'state', 'ready');
    await at(page, 'banner-blocked').waitFor({ state: 'detached' });
  },

  async 'a till whose events do not come says so, and tells when they come again'() {
    const page = await till();
    mock.faults.streams = true;
    mock.dropStreams();
    await has(page, 'status-link', 'state', 'node_down');
    await at(page, 'banner-events').waitFor();
    // What it can still do it does: selling needs no events.
    await click(page, 'product-1', 'pay-cash');
    await at(page, 'ticket').waitFor();
    mock.faults.streams = false;
    await has(page, 'status-link', 'state', 'link_up');
    await swipe(A);
    await at(page, 'card-masked').waitFor();
  },

  async 'four languages, remembered'() {
    const page = await till();
    for (const [language, word] of [
      ['zh-Hans', '购物篮'],
      ['zh-Hant', '購物籃'],
      ['ko', '장바구니'],
      ['en', 'Basket'],
      ['ko', '장바구니'],
    ]) {
      await at(page, 'lang').selectOption(language);
      await shows(page, 'basket', word);
    }
    await page.reload();
    await shows(page, 'basket', '장바구니');
    await shows(page, 'product-1', '빵');
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'ko');
  },

  async 'every size: nothing runs over the edge, buttons are large enough, the total stays in sight'() {
    for (const size of SIZES) {
      const page = await till(size);
      await swipe(B);
      await click(page, 'product-1');
      const views =
        size[0] < 701
          ? ['tab-products', 'tab-basket', 'tab-pay', 'tab-receipts']
          : ['view-receipts', 'view-products'];
      for (const view of views) {
        await click(page, view);
        await fits(page, `${size} ${view}`);
      }
      const unnamed = await page.evaluate(
        () =>
          [...document.querySelectorAll('button, input, select')].filter(
            (it) => !(it.getAttribute('aria-label') || it.textContent.trim() || it.labels?.length),
          ).length,
      );
      assert.equal(unnamed, 0);
      await page.context().close();
    }
  },

  async 'the network page shows, cuts, heals, kills and restarts, and feeds a till'() {
    const page = await open('/network');
    await has(page, 'total-exposure', 'minor', 10_450_000);
    await page.locator('[data-testid="link-3"][data-link="up"]').first().waitFor();
    await click(page, 'demo-link-3');
    await has(page, 'demo-link-3', 'cut', 'true');
    await shows(page, 'tree-link-3', 'cut');
    await shows(page, 'links-down', '1');
    await shows(page, 'waiting-4', '0');
    await click(page, 'demo-link-3');
    await shows(page, 'links-down', '0');
    await click(page, 'demo-power-2');
    await has(page, 'demo-power-2', 'running', 'false');
    await click(page, 'demo-power-2');
    await has(page, 'demo-power-2', 'running', 'true');
    const shop = await till();
    await at(page, 'demo-card-3').selectOption(B);
    await click(page, 'demo-swipe-3', 'demo-scan-3');
    await shows(shop, 'card-masked', '4002');
    await has(shop, 'total', 'minor', 1250);
    await click(shop, 'pay-card');
    await click(page, 'demo-tickets-3');
    await shows(page, 'demo-ticket-list-3', 'here 1187.50');
    await click(page, 'demo-tickets-close', 'demo-plug-3-reader');
    await has(shop, 'status-reader', 'state', 'unplugged');
    await at(page, 'demo-paper-3').selectOption('low');
    await has(shop, 'status-printer', 'state', 'paper_low');
    await click(page, 'demo-swipe-3');
    await shows(page, 'demo-banner', 'refused');
  },

  async 'figures that head office does not come to are rows with both of them'() {
    const page = await open('/network');
    await at(page, 'table').waitFor();
    assert.equal(await at(page, 'differences').count(), 0);
    const id = '3.5f0c1a2b3c4d5e6f.121';
    mock.state.differences = [{ id, node: 3, kind: 'sale', expected: 'a total of 1250 minor units', found: '<b>1150</b>' }];
    await has(page, 'differences', 'open', 1);
    await shows(page, `difference-${id}`, 'a total of 1250 minor units');
    await shows(page, `difference-${id}`, '<b>1150</b>');
    assert.equal(await at(page, 'cases').count(), 0);
    mock.state.differences = [];
    await at(page, 'differences').waitFor({ state: 'detached' });
  },

  async 'an open case is a row until it is ruled about'() {
    const page = await open('/network');
    await at(page, 'table').waitFor();
    assert.equal(await at(page, 'cases').count(), 0);
    const id = '3.5f0c1a2b3c4d5e6f.117';
    const found = { id, node: 3, name: 'Store A', why: 'revoked', text: '', kind: 'sale', value: 2500 };
    mock.state.cases = [{ ...found, business_date: '2026-11-22' }, { id: `${id}8`, node: 3, why: 'malformed', text: '', kind: 'unknown' }];
    await has(page, 'cases', 'open', 2);
    await has(page, `case-${id}`, 'why', 'revoked');
    await shows(page, `case-${id}`, '25.00');
    await shows(page, `case-${id}8`, '—');
    await at(page, 'lang').selectOption('ko');
    await shows(page, `case-${id}`, '판매');
    mock.state.cases = [];
    await at(page, 'cases').waitFor({ state: 'detached' });
  },

  async 'the network page says how old its picture is, and needs pairing where it is not open'() {
    const page = await open('/network', SIZES[2]);
    await at(page, 'node-4').waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await at(page, 'lang').selectOption('zh-Hant');
    await shows(page, 'node-4', '門市');
    await page.route('**/api/v1/network', (route) => route.abort());
    await shows(page, 'freshness', '無回應');
    await page.unroute('**/api/v1/network');
    await shows(page, 'freshness', '更新於');
    await page.context().close();
    await mock.close();
    mock = await startMock({ openNetwork: false });
    const closed = await open('/network');
    await at(closed, 'pair-code').fill('482-913');
    await click(closed, 'pair-submit');
    await at(closed, 'total-exposure').waitFor();
  },
};

const helpers = { shop: () => mock, till, at, click, shows, has, swipe, sizes: SIZES, fits };
Object.assign(tests, programmeTests(helpers), memberTests(helpers), returnTests(helpers), pinTests(helpers), codeTests(helpers), partTests(helpers), amountTests(helpers), shelfTests(helpers), giveBackTests(helpers));

async function runOne(name, test) {
  mock = await startMock();
  complaints = [];
  foreign = [];
  try {
    await test();
    assert.deepEqual(complaints, [], 'console');
    assert.deepEqual(foreign, [], 'requests to other hosts');
    console.log(`ok   ${name}`);
    return true;
  } catch (error) {
    console.log(`FAIL ${name}\n     ${error.stack}`);
    return false;
  } finally {
    await Promise.all(browser.contexts().map((it) => it.close()));
    await mock.close();
  }
}

const watchdog = setTimeout(() => {
  console.log('FAIL the run did not end within 15 minutes');
  process.exitCode = 1;
  void browser?.close();
}, 900_000);
let failed = 0;
let count = 0;
try {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  const wanted = process.argv[2] ?? '';
  for (const [name, test] of Object.entries(tests)) {
    if (!name.includes(wanted)) continue;
    count += 1;
    if (!(await runOne(name, test))) failed += 1;
  }
} finally {
  clearTimeout(watchdog);
  await browser?.close();
}
console.log(`${count} page tests, ${count - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 || count === 0 ? 1 : 0;
