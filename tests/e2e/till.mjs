// Model tills: they do business over HTTP as a real till does, repeat a request under the same number until
// it is answered, remember every answer, and compare them with the ledger at the end.
import assert from 'node:assert/strict';
import { Http, good, sleep } from './lib.mjs';

/** One paired till. `record` has every approved answer: {path, body, receipt}. */
export class Till {
  constructor(node, { terminal, token }, random, cards) {
    Object.assign(this, { node, terminal, random, cards });
    this.http = new Http(node.url, token);
    this.counter = 1;
    this.record = [];
    this.refused = 0;
    this.repeats = 0;
    this.orphans = [];
    this.stopping = false;
  }

  /**
   * Sends one request until it is answered for good: {status, body}. `giveUp()` true ends it without an
   * answer: null.
   */
  async settle(path, body, giveUp = () => false) {
    for (let wait = 5; ; wait = Math.min(wait * 2, 100)) {
      try {
        const a = await this.http.post(path, body);
        const again = a.status === 503 || a.status === 429 || a.status === 500 || a.status === 408;
        if (!again) return a;
        if (a.body.error === 'full' && giveUp()) return null;
      } catch {
        // refused, broken or timed out: what became of the request is unknown
      }
      if (giveUp()) return null;
      this.repeats += 1;
      await sleep(wait);
    }
  }

  /** Does one request under the next number and remembers what was approved. */
  async act(path, content, giveUp) {
    const body = { counter: this.counter, ...content, ...(this.seen && { seen: this.seen }) };
    const a = await this.settle(path, body, giveUp);
    if (a === null) {
      this.open = { path, body };
      return null;
    }
    this.take(path, body, a);
    return a;
  }
  /** After a break: the request that had no answer yet. */
  async finishOpen() {
    if (!this.open) return;
    const { path, body } = this.open;
    this.open = undefined;
    this.take(path, body, await this.settle(path, body));
  }
  take(path, body, a) {
    this.seen = a.body.seen ?? this.seen;
    if (a.status === 200) {
      assert.equal(a.body.counter, body.counter, 'an answer to this request');
      assert.equal(a.body.terminal, this.terminal);
      assert.ok(
        a.body.next_counter >= body.counter + 1,
        `next_counter ${a.body.next_counter} after ${body.counter}`,
      );
      this.record.push({ path, body, receipt: a.body });
      this.counter = body.counter + 1;
    } else {
      assert.equal(a.status, 409, `terminal ${this.terminal}: ${a.status} ${JSON.stringify(a.body)}`);
      // bad_tender: the card rose a level between the quote and the sale.
      const expected = ['insufficient', 'no_quota', 'over_ceiling', 'already_reversed', 'not_reversible', 'bad_tender'];
      assert.ok(expected.includes(a.body.error), `terminal ${this.terminal}: ${JSON.stringify(a.body)}`);
      this.refused += 1;
    }
  }

  /** Some business, drawn from the seed: top-ups, sales by card, cash or both, reversals. */
  async once(giveUp) {
    const card = this.random.pick(this.cards);
    const dice = this.random.below(100);
    if (dice < 20) {
      const amount = this.random.between(10, 100) * 100;
      return this.act('/api/v1/topups', { card, amount, tender: 'cash' }, giveUp);
    }
    if (dice < 25) {
      const mine = this.record.filter((it) => it.receipt.kind !== 'reversal').at(-1);
      if (mine) return this.act('/api/v1/reversals', { receipt: mine.receipt.id }, giveUp);
    }
    const lines = [{ product: 1, quantity: this.random.between(1, 2) }];
    if (dice < 40) {
      const total = lines[0].quantity * 1250; // product 1 of the demo's rules, and nobody's card
      return this.act('/api/v1/sales', { lines, tenders: [{ kind: 'cash', amount: total }] }, giveUp);
    }
    // A card that has bought enough rises a level and pays less, so the price is asked for.
    const price = await this.settle('/api/v1/quotes', { card, lines }, giveUp);
    if (price === null) return null;
    assert.equal(price.status, 200, `terminal ${this.terminal}: ${JSON.stringify(price.body)}`);
    const total = price.body.due;
    const tenders = [{ kind: 'card', amount: total }];
    if (dice < 50) tenders.splice(0, 1, { kind: 'card', amount: 500 }, { kind: 'cash', amount: total - 500 });
    return this.act('/api/v1/sales', { card, lines, tenders }, giveUp);
  }
  /** Business until `stopping`; what is unanswered then is still finished. */
  async run() {
    while (!this.stopping) await this.once();
  }
  close() {
    this.http.close();
  }
}

const minor = (text) => {
  const m = /^(-?)(\d+)(?:\.(\d{2}))? CNY$/.exec(text);
  return m ? (m[1] ? -1 : 1) * (Number(m[2]) * 100 + Number(m[3] ?? 0)) : undefined;
};

/** The hledger export of a data directory, as transactions {id, kind, terminal, counter, account, postings}. */
export async function ledgerOf(data) {
  const text = (await good(['export', '--data', data, '--format', 'hledger'])).out;
  const list = [];
  let open;
  for (const line of text.split('\n')) {
    const head = /^\d{4}-\d\d-\d\d \(([^)]+)\) (.*)$/.exec(line);
    if (head) {
      const number = (name) => Number(new RegExp(`\\b${name} (\\d+)`).exec(head[2])?.[1] ?? 0);
      open = { id: head[1], kind: head[2].split(',')[0], text: head[2], postings: [] };
      Object.assign(open, { terminal: number('terminal'), counter: number('counter'), account: number('account') });
      list.push(open);
    } else if (/^\s+\S/.test(line) && open) {
      const [, account, amount] = /^\s+(\S+)\s{2,}(.*)$/.exec(line);
      open.postings.push({ account, amount: minor(amount) });
    } else if (!line.startsWith(' ')) {
      open = undefined;
    }
  }
  return { text, list };
}

const sum = (entry, prefix) =>
  entry.postings
    .filter((it) => it.account.startsWith(prefix) && it.amount !== undefined)
    .reduce((total, it) => total + it.amount, 0);

/** What a receipt says must be what the entry moves, to the cent. */
function sameAmounts(entry, { receipt }) {
  const sign = receipt.kind === 'reversal' ? -1 : 1;
  const moved = (prefix) => sum(entry, prefix) * sign + 0; // never -0
  const paid = (...kinds) =>
    receipt.tenders.filter((it) => kinds.includes(it.kind)).reduce((total, it) => total + it.amount, 0);
  const where = `${receipt.id} ${entry.text}`;
  const reversedTopUp = receipt.kind === 'reversal' && receipt.lines.length === 0;
  const topUp = receipt.kind === 'top_up' || reversedTopUp;
  const held = topUp ? -receipt.total : paid('card');
  assert.equal(moved('hold:'), held, `${where}: card`);
  assert.equal(moved('tender:cash:'), paid('cash'), `${where}: cash`);
  assert.equal(moved('tender:bank:'), paid('bank'), `${where}: bank`);
  if (topUp) return;
  const tax = receipt.tax.reduce((total, it) => total + it.amount, 0);
  assert.equal(moved('tax:'), 0 - tax, `${where}: tax`);
  assert.equal(moved('sales:') + moved('tax:'), 0 - receipt.total, `${where}: total`);
}

/**
 * Every approved answer is in the ledger exactly once, with its amounts and under its id; and nothing else
 * of these tills is. `list` are the transactions of an export.
 */
export function compare(tills, list, where) {
  const byKey = new Map();
  for (const entry of list) {
    if (entry.terminal === 0) continue;
    const key = `${entry.terminal}.${entry.counter}`;
    assert.ok(!byKey.has(key), `${where}: ${entry.text} is there twice: ${byKey.get(key)?.id} and ${entry.id}`);
    byKey.set(key, entry);
  }
  let approved = 0;
  for (const till of tills) {
    for (const answer of till.record) {
      const key = `${till.terminal}.${answer.receipt.counter}`;
      const entry = byKey.get(key);
      assert.ok(entry, `${where}: approved and missing: ${JSON.stringify(answer.receipt)}`);
      assert.equal(entry.id, answer.receipt.id, `${where}: ${entry.text}`);
      sameAmounts(entry, answer);
      byKey.delete(key);
      approved += 1;
    }
  }
  const numbers = new Set(tills.map((it) => it.terminal));
  const extra = [...byKey.values()].filter((it) => numbers.has(it.terminal));
  assert.deepEqual(
    extra.map((it) => `${it.id} ${it.text}`),
    [],
    `${where}: in the ledger and never approved`,
  );
  return approved;
}
