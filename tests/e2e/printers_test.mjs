// Receipts on paper: right in four languages, decoded by a reader of its own; and a printer that is slow, out of paper,
// dead, dying in mid-ticket, while the till goes on selling and no ticket is lost or doubled unmarked.
import assert from 'node:assert/strict';
import { listen, oneStore } from './devices_lib.mjs';
import { FakePrinter, haveTables, linesOf, marksOf } from './escpos.mjs';
import { binary, command, freePort, scenario, skip, sleep, until } from './lib.mjs';

const LANGUAGES = [
  { tag: 'en', wide: 'gb18030', columns: 42, copy: '** COPY **', twice: 'POSSIBLE DUPLICATE' },
  { tag: 'zh-Hans', wide: 'gb18030', columns: 32, copy: '** 副本 **', twice: '可能重复打印' },
  { tag: 'zh-Hant', wide: 'big5', columns: 42, copy: '** 副本 **', twice: '可能重複列印' },
  { tag: 'ko', wide: 'euc-kr', columns: 48, copy: '** 재발행 **', twice: '중복 인쇄 가능' },
];

/** How long the printer is dead; an hour by hand. */
const DEAD_SECONDS = Number(process.env.TALLY_PRINTER_DEAD_SECONDS ?? 1.5);

class Shop {
  constructor(t, store) {
    Object.assign(this, { t, store, counter: 0 });
  }
  config = (l, printer) =>
    `[printer]\naddress = "127.0.0.1:${printer.port}"\ncolumns = ${l.columns}\n[receipt]\nlanguage = "${l.tag}"`;
  async open(language, printer) {
    this.language = language;
    this.store.writeConfig(this.store.parent, this.config(language, printer));
    await this.store.start();
    const { events, till } = await listen(this.t, this.store);
    Object.assign(this, { events, till });
    this.counter = (await this.get('/api/v1/till')).next_counter - 1;
  }
  async close() {
    this.events.close();
    await this.store.stop();
  }
  async get(path) {
    return (await this.store.http.call('GET', path, undefined, { token: this.till.token })).body;
  }
  /** A sale in cash: the receipt. */
  async sell(...products) {
    const prices = { 1: 1250, 4: 1380, 9: 2600, 10: 16800, 11: 650 };
    const lines = products.map((product) => ({ product, quantity: 2 }));
    const amount = products.reduce((sum, it) => sum + 2 * prices[it], 0);
    const body = { counter: ++this.counter, lines, tenders: [{ kind: 'cash', amount }] };
    const a = await this.store.http.call('POST', '/api/v1/sales', body, { token: this.till.token });
    assert.equal(a.status, 200, JSON.stringify(a.body));
    return a.body;
  }
  /** The node holds the printer's proof for this receipt: whatever is cut off from now on, it does not come again. */
  proved = (receipt, state = 'printed') =>
    this.events.next('print', (it) => it.receipt === receipt.id && it.state === state, 120_000);
  printer = async (state) =>
    until(`the printer to be ${state}`, async () => (await this.get('/api/v1/till')).devices.printer.state === state);
}

/** Tickets that carry this receipt's id: on 58 mm it may be broken over two lines. */
const of = (printer, receipt) => printer.paper.tickets.filter((it) => linesOf(it).join('').includes(receipt.id));
const printed = (printer, receipt, n = 1, ms = 30_000) =>
  until(`${n} tickets of ${receipt.id}`, () => of(printer, receipt).length >= n && of(printer, receipt), ms);

await scenario('printers', 420 + DEAD_SECONDS, async (t) => {
  if (!haveTables) skip('web/node_modules has no iconv-lite; tools/web installs it');
  const { store } = await oneStore(t, '');
  await store.stop();
  const shop = new Shop(t, store);
  for (const language of LANGUAGES) await oneLanguage(t, shop, language);
  await faults(t, shop, LANGUAGES[1]);
  await settingUp(t, shop, LANGUAGES[0]);
});

/** What somebody does who sets a till up: is it there, does it print, does the drawer open? And reports of the day. */
async function settingUp(t, shop, language) {
  const printer = new FakePrinter(language.wide, await freePort());
  printer.paper.columns = language.columns;
  shop.store.writeConfig(shop.store.parent, shop.config(language, printer));
  const devices = (part) => command(binary(), ['devices', part, '--config', shop.store.config], { ms: 60_000 });
  const missing = await devices('doctor');
  assert.equal(missing.code, 1, missing.out + missing.err);
  assert.match(missing.out, /printer +PROBLEM +.*cannot be reached: is it switched on/);
  await printer.start();
  const there = await devices('doctor');
  assert.equal(there.code, 0, there.out + there.err);
  assert.match(there.out, /printer +good +.* is ready\./);
  const tried = await devices('test');
  assert.equal(tried.code, 0, tried.out + tried.err);
  const [page] = printer.paper.tickets;
  const ruler = linesOf(page).find((it) => /^1234567890/.test(it));
  assert.equal(ruler.length, language.columns, 'the ruler is as wide as the paper');
  assert.ok(linesOf(page).includes('English 0123456789'));
  assert.equal(printer.paper.drawers, 1, 'the drawer was told to open');
  assert.doesNotMatch(tried.out, /offline/, 'a printer that is there was never off-line');
  printer.setOut(true);
  const empty = await devices('test');
  assert.notEqual(empty.code, 0, empty.out + empty.err);
  assert.match(empty.err, /its state is paper_out/);
  printer.setOut(false);
  await sleep(100);
  assert.equal(printer.paper.tickets.length, 1, 'nothing of that page is left over');
  // Most printers that are not Epson's have no process IDs: both say what to write into the configuration.
  printer.ids = false;
  const lacking = await devices('doctor');
  assert.equal(lacking.code, 1, lacking.out + lacking.err);
  assert.match(lacking.out, /printer +PROBLEM +.* is ready\. But it has no process IDs .*printer\.process_ids = false/);
  const taken = await devices('test');
  assert.equal(taken.code, 0, taken.out + taken.err);
  assert.match(taken.out, /has no process IDs .*printer\.process_ids = false[^]*it has taken the page/);
  assert.equal(printer.paper.tickets.length, 2, 'the doctor prints nothing');
  printer.ids = true;
  await shop.open(language, printer);
  await shop.printer('ready');
  // Beside the running node the doctor opens nothing that it has open.
  const client = printer.client;
  const beside = await devices('doctor');
  assert.equal(beside.code, 0, beside.out + beside.err);
  assert.match(beside.out, /printer +good +.* is ready\. \(As the running node sees it\.\)/);
  printer.setOut(true);
  await shop.printer('paper_out');
  assert.match((await devices('doctor')).out, /printer +PROBLEM +.* is out of paper/);
  printer.setOut(false);
  await shop.printer('ready');
  assert.equal(printer.client, client, 'the node kept its connection');
  t.step('the doctor beside a running node, and a printer without process IDs');
  const refused = await devices('test');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /the node runs and holds the devices/);
  await dayReports(t, shop, printer, language);
  await shop.close();
  await printer.stop();
}

/** The day in sums: the same on screen, on paper and from the command, a copy when it was printed before. */
async function dayReports(t, shop, printer, language) {
  await shop.sell(4);
  const on = await shop.get('/api/v1/reports/today/all');
  const last = await shop.get(`/api/v1/receipts/${on.last}`);
  assert.equal(last.terminal, shop.till.terminal);
  const of = () => printer.paper.tickets.filter((it) => linesOf(it).includes(on.last) && linesOf(it).some((l) => /CASH IN DRAWER/.test(l)));
  const report = async (...more) => {
    const done = await command(binary(), ['report', '--data', shop.store.data, ...more], { ms: 60_000 });
    assert.equal(done.code, 0, done.out + done.err);
    return done;
  };
  assert.deepEqual((await report('--print')).out.trimEnd().split('\n'), on.text);
  await until('the report', () => of().length === 1);
  assert.match((await report('--print')).err, /a copy was sent/i);
  await until('its copy', () => of().length === 2);
  assert.deepEqual(of().map(marksOf), [[], [language.copy]]);
  for (const it of of()) assert.deepEqual(linesOf(it), on.text, 'paper and preview');
  const all = JSON.parse((await report('--json')).out);
  const cash = all.tenders.find((it) => it.kind === 'cash').amount;
  assert.equal(all.cash.expected, cash, 'all that was sold here was sold in cash');
  assert.equal(all.net_sales, cash);
  const mine = JSON.parse((await report('--json', '--till', String(shop.till.terminal))).out);
  assert.equal(mine.net_sales, 2 * 1380);
  assert.equal(mine.tills.length, 1);
  t.step(`a day in sums: ${all.sales.count} sales of ${all.tills.length} tills, once on paper and once as a copy`);
}

async function oneLanguage(t, shop, language) {
  const printer = new FakePrinter(language.wide, await freePort());
  printer.paper.columns = language.columns;
  await printer.start();
  await shop.open(language, printer);
  await shop.printer('ready');
  const receipt = await shop.sell(1, 4, 9, 10, 11);
  const [ticket] = await printed(printer, receipt);
  assert.deepEqual(linesOf(ticket), receipt.text, 'paper and preview');
  const text = receipt.text.join('\n');
  assert.ok(!text.includes('?') && !text.includes('\ufffd'), text);
  for (const line of ticket.filter((it) => it.text !== undefined)) assert.ok(line.width <= language.columns, `${line.width}: ${line.text}`);
  // Sums end in one column, whatever stands to the left of them.
  const sums = ticket.filter((it) => /\d\.\d\d A$/.test(it.text)).map((it) => it.width);
  assert.equal(sums.length, 4);
  assert.deepEqual(new Set(sums), new Set([language.columns]), 'sums are right-aligned');
  await shop.store.http.call('POST', `/api/v1/receipts/${receipt.id}/print`, {}, { token: shop.till.token });
  const copies = await printed(printer, receipt, 2);
  assert.deepEqual(marksOf(copies[1]), [language.copy]);
  assert.deepEqual(linesOf(copies[1]), receipt.text);
  await shop.close();
  await printer.stop();
  t.step(`${language.tag}: ${receipt.text.find((it) => it.includes('193') || it.includes('168')) ?? receipt.text[1]}`);
}

async function faults(t, shop, language) {
  const printer = new FakePrinter(language.wide, await freePort());
  await printer.start();
  await shop.open(language, printer);
  await shop.printer('ready');
  const all = [];
  const sell = async (...products) => {
    const receipt = await shop.sell(...products);
    all.push(receipt);
    return receipt;
  };

  printer.slow = 100;
  // Paper is not all: the proof takes its time as well, and without it whatever is cut off next leaves a doubt.
  const slow = [await sell(1), await sell(4)];
  for (const it of slow) await shop.proved(it);
  printer.slow = 0;
  t.step('100 octets a second: both tickets came');

  printer.setOut(true);
  await shop.printer('paper_out');
  const waiting = [await sell(9), await sell(11)];
  await sleep(1_500);
  for (const it of waiting) assert.equal(of(printer, it).length, 0, 'nothing is printed without paper');
  // The node dies with both in its spool. Nothing of them was sent, so nothing of them is in doubt.
  await shop.store.child.kill();
  await shop.open(language, printer);
  await shop.printer('paper_out');
  printer.setOut(false);
  for (const it of waiting) await shop.proved(it);
  for (const it of waiting) assert.deepEqual(marksOf(of(printer, it)[0]), [], 'waiting for paper is no doubt');
  t.step('out of paper, and the node killed meanwhile: both tickets came after it');

  await printer.stop();
  await shop.printer('offline');
  const dead = [await sell(1), await sell(1, 4), await sell(10)];
  await sleep(DEAD_SECONDS * 1_000);
  await printer.start();
  for (const it of dead) await shop.proved(it);
  for (const it of dead) assert.deepEqual(marksOf(of(printer, it)[0]), [], 'waiting for the printer is no doubt');
  t.step(`the printer was dead for ${DEAD_SECONDS} s and three tickets: all came`);

  // Its power goes after some of the ticket: what is on paper is not cut, and comes again with a mark.
  printer.dieAfter = printer.taken + 400;
  const torn = await sell(1, 4, 9, 10, 11);
  await until('the printer to die', () => !printer.server.listening);
  await sleep(500);
  await printer.start();
  await until('the torn ticket to come again', () => of(printer, torn).length >= 1);
  const [again] = of(printer, torn);
  assert.deepEqual(marksOf(again), [language.twice]);
  await shop.proved(torn, 'possible_duplicate');
  t.step(`it died in mid-ticket: printed again, marked ${language.twice}`);

  // The node is killed right after an answer: its ticket is there too, once or marked.
  const last = await sell(4);
  await shop.store.child.kill();
  await shop.open(language, printer);
  await printed(printer, last);
  await sleep(2_000);
  for (const it of all) {
    const tickets = of(printer, it);
    const unmarked = tickets.filter((ticket) => marksOf(ticket).length === 0);
    assert.ok(unmarked.length <= 1, `${it.id} was printed ${unmarked.length} times without a mark`);
    assert.ok(tickets.length >= 1, `${it.id} was never printed`);
    for (const second of tickets.slice(1)) assert.deepEqual(marksOf(second), [language.twice], it.id);
    if (it !== torn && it !== last) assert.equal(tickets.length, 1, `${it.id}: ${tickets.length} tickets`);
  }
  await shop.close();
  await printer.stop();
  t.step(`${all.length} receipts, each on paper once or marked`);
}
