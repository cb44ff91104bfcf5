// A store's node that exists only in memory: it answers docs/http-api.md so that the pages can be developed and tested
// without the real network. `startMock()` for tests; `node tests/e2e/mock_node.mjs [port]` to look at the pages.
import { memberCall } from './mock_members.mjs';
import { dayReportMock, packageMock, priceMock, pursesOf, settleMock } from './mock_programme.mjs';
import { codeCall, codeGate } from './mock_codes.mjs';
import { giveBackCall } from './mock_giveback.mjs';
import { payoutGate, pinCall, pinGate, pinOf } from './mock_pins.mjs';
import { shelfCall } from './mock_shelf.mjs';
import { checkCall, returnCalls } from './mock_returns.mjs';
import { EPOCH, freshState, seconds } from './mock_state.mjs';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { extname, join, normalize } from 'node:path';

const DIST = fileURLToPath(new URL('../../web/dist', import.meta.url));
const BODY_MAX = 65_536;
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/**
 * @param options.port 0 for any. @param options.openNetwork the network page needs no pairing.
 * The answer's `faults` queue spoils the next money requests, `faults.lasting` all others: 'lose_request',
 * 'lose_answer', 'unknown' (503), 'slow'; `faults.streams` refuses event streams; `faults.quotes`
 * spoils quotes: 'silent', 'slow'. Browsers send a request again by themselves when a kept connection
 * breaks; count on `lasting`.
 */
export async function startMock({ port = 0, openNetwork = true, csp = true } = {}) {
  const state = freshState();
  const faults = [];
  const streams = new Set();
  const sockets = new Set();
  const counts = { money: 0, executed: 0, streams: 0, quotes: 0 };
  const store = () => state.nodes[2];

  const link = () => ({
    up: !store().cut,
    last_contact: store().last_contact,
    entries_waiting: store().entries_waiting,
    hq_cosigned_at: store().last_contact,
  });
  const devices = () => ({
    printer: { configured: true, state: state.printer },
    reader: { configured: true, state: state.reader },
    scanner: { configured: true, state: state.scanner },
  });
  const emit = (event, data) =>
    streams.forEach((it) => it.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  const seen = () => `${EPOCH}:${state.nextSequence}`;
  const money = (minor) => (minor / 100).toFixed(2);
  const refuse = (status, error, more = {}) => ({ status, body: { error, message: `refused: ${error}`, ...more } });
  const ok = (body) => ({ status: 200, body });

  function till(terminal) {
    return {
      node: 3,
      store: 'Store A',
      role: 'store',
      terminal,
      next_counter: state.counters.get(terminal),
      unit: { code: 'CNY', exponent: 2 },
      business_date: '2026-11-22',
      rules_version: 3,
      topup_quota_left: state.quota,
      link: link(),
      devices: devices(),
      blocked: state.blocked,
      seen: seen(),
    };
  }
  const cardBody = (card) => ({
    ...(card.voucher ? { voucher: card.voucher, kind: 'voucher' } : {}),
    account: card.account,
    masked: card.masked,
    kind: 'stored_value',
    card_kind: card.card_kind ?? 0,
    level: card.level ?? 0,
    purses: pursesOf(state, card),
    gifts: card.gifts ?? [],
    pin: pinOf(state, card),
    status: card.status,
    ...(card.deposit_here ? { deposit_here: card.deposit_here } : {}),
    ...(card.owes ? { owes: card.owes } : {}),
    unit: 'CNY',
    here: card.here,
    elsewhere: card.elsewhere,
    elsewhere_as_of: card.told,
    seen: seen(),
  });

  function ticket(receipt, copy = false) {
    const row = (left, right) => {
      const width = [...left].reduce((sum, char) => sum + (char > '\u1100' ? 2 : 1), 0);
      return left + ' '.repeat(Math.max(1, 42 - width - right.length)) + right;
    };
    const text = [
      ' '.repeat(17) + 'Store A',
      '',
      row(receipt.kind.toUpperCase().replace('_', '-'), receipt.id.slice(-12)),
      row(receipt.business_date, `terminal ${receipt.terminal}`),
      '-'.repeat(42),
    ];
    for (const line of receipt.lines)
      text.push(row(line.name, `${line.quantity} x ${money(line.price)}   ${money(line.amount)}`));
    if (receipt.lines.length) text.push('-'.repeat(42));
    text.push(row('TOTAL CNY', money(receipt.total)));
    for (const tender of receipt.tenders) text.push(row(`  ${tender.kind}`, money(tender.amount)));
    for (const tax of receipt.tax) text.push(row(`  tax ${tax.rate} ${tax.percent}%`, money(tax.amount)));
    if (receipt.masked) text.push('', row(`Card ${receipt.masked}`, `here ${money(receipt.here)}`));
    return copy ? [' '.repeat(17) + '** COPY **', ...text] : text;
  }

  function record(terminal, counter, kind, card, lines, total, tenders, reverses) {
    const tax = kind === 'sale' ? [{ rate: 'A', percent: '13.00', amount: Math.round((total * 13) / 113) }] : [];
    const receipt = {
      id: `3.${EPOCH}.${state.nextSequence++}`,
      kind,
      terminal,
      counter,
      stamp: seconds(),
      business_date: '2026-11-22',
      store: 'Store A',
      account: card?.account ?? null,
      masked: card?.masked ?? null,
      lines,
      total,
      tenders,
      tax,
      here: card?.here ?? null,
      elsewhere: card?.elsewhere ?? null,
      elsewhere_as_of: card?.told ?? null,
      unit: { code: 'CNY', exponent: 2 },
      reverses: reverses ?? null,
      reversed_by: null,
      next_counter: counter + 1,
      seen: seen(),
    };
    receipt.text = ticket(receipt);
    state.receipts.set(receipt.id, receipt);
    state.counters.set(terminal, counter + 1);
    counts.executed += 1;
    store().entries += 1;
    if (store().cut) store().entries_waiting += 1;
    print(receipt.id, receipt.text);
    emit('receipt', receipt);
    emit('link', link());
    return receipt;
  }

  function print(id, text) {
    if (state.printer === 'ready' || state.printer === 'paper_low') {
      state.storedTickets.unshift(text.join('\n'));
      emit('print', { receipt: id, state: 'printed' });
    } else emit('print', { receipt: id, state: 'waiting' });
  }

  /** A sale under a programme: what is due, and what the card's purses give and get, are its matter. */
  function memberSale(terminal, body) {
    const card = body.card ? state.cards.get(body.card) : undefined;
    const priced = quoteOf(body);
    if (priced.status !== 200) return priced;
    const quote = priced.body;
    if (body.tenders.reduce((sum, it) => sum + it.amount, 0) !== quote.due) return refuse(409, 'bad_tender');
    const byCard = body.tenders.filter((it) => it.kind === 'card').reduce((sum, it) => sum + it.amount, 0);
    const settled = card ? settleMock(card, quote, byCard) : {};
    if (settled.refusal) return refuse(409, 'insufficient', settled.refusal);
    const nameOf = (id) => state.products.find((it) => it.id === id).name.en;
    const lines = quote.lines.map((it) => ({ ...it, name: nameOf(it.product), amount: it.gross, tax: 'A' }));
    const gifts = (body.gifts ?? []).map((it) => ({ ...it, name: nameOf(it.product), price: 0, amount: 0, tax: 'A' }));
    const receipt = record(terminal, body.counter, 'sale', card, [...lines, ...gifts], quote.due, body.tenders);
    return ok({ ...receipt, earned: settled.earned ? [{ purse: 3, name: 'Points', units: settled.earned }] : [] });
  }

  function sale(terminal, body) {
    const pin = pinGate(state, { ok, refuse }, terminal, body);
    if (pin) return pin;
    const code = codeGate(state, { ok, refuse }, terminal, body);
    if (code) return code;
    if (state.programme.purses.length > 0) return memberSale(terminal, body);
    const lines = [];
    for (const line of body.lines ?? []) {
      const product = state.products.find((it) => it.id === line.product || it.ean === line.ean);
      if (!product) return refuse(409, 'unknown_product');
      if (!Number.isInteger(line.quantity) || line.quantity < 1 || line.quantity > 9999)
        return refuse(409, 'bad_basket');
      lines.push({
        product: product.id,
        name: product.name.en,
        quantity: line.quantity,
        price: product.price,
        amount: product.price * line.quantity,
        tax: product.tax,
      });
    }
    if (lines.length === 0 || lines.length > 200) return refuse(409, 'bad_basket');
    const total = lines.reduce((sum, it) => sum + it.amount, 0);
    if (body.tenders.reduce((sum, it) => sum + it.amount, 0) !== total) return refuse(409, 'bad_tender');
    const byCard = body.tenders.filter((it) => it.kind === 'card').reduce((sum, it) => sum + it.amount, 0);
    const card = body.card ? state.cards.get(body.card) : undefined;
    if (byCard > 0) {
      if (!card) return refuse(409, 'unknown_card');
      if (card.status !== 'active') return refuse(409, 'card_blocked');
      if (byCard > card.here && !store().cut && card.here + (card.elsewhere ?? 0) >= byCard) {
        const pulled = byCard - card.here;
        card.here += pulled;
        card.elsewhere -= pulled;
      }
      if (byCard > card.here && body.partial && card.here > 0) {
        const amount = card.here;
        card.here = 0;
        const aside = record(terminal, body.counter, 'authorisation', card, [], amount, [{ kind: 'card', amount }]);
        aside.remainder = byCard - amount;
        return ok(aside);
      }
      if (byCard > card.here) {
        return refuse(409, 'insufficient', {
          here: card.here,
          elsewhere: card.elsewhere,
          short: byCard - card.here,
          pulled: 0,
        });
      }
      card.here -= byCard;
    }
    return ok(record(terminal, body.counter, 'sale', byCard > 0 ? card : null, lines, total, body.tenders));
  }

  function topUp(terminal, body) {
    const card = state.cards.get(body.card);
    if (!card) return refuse(409, 'unknown_card');
    if (!Number.isInteger(body.amount) || body.amount <= 0) return refuse(409, 'bad_amount');
    if (body.amount > state.quota) return refuse(409, 'no_quota', { left: state.quota });
    if (body.package && !packageMock(state, card, body.package, body.amount)) return refuse(409, 'not_applicable');
    state.quota -= body.amount;
    card.here += body.amount;
    const tenders = [{ kind: body.tender, amount: body.amount }];
    return ok(record(terminal, body.counter, 'top_up', card, [], body.amount, tenders));
  }

  function reversal(terminal, body) {
    const was = state.receipts.get(body.receipt);
    if (!was) return refuse(404, 'not_found');
    if (was.reversed_by) return refuse(409, 'already_reversed');
    if (was.kind === 'reversal') return refuse(409, 'not_reversible');
    const card = [...state.cards.values()].find((it) => it.account === was.account);
    const byCard = was.tenders.filter((it) => it.kind === 'card').reduce((sum, it) => sum + it.amount, 0);
    const pin = was.kind === 'top_up' && card ? payoutGate(state, { ok, refuse }, terminal, body, card) : null;
    if (pin) return pin;
    if (card && was.kind === 'top_up' && card.here < was.total) {
      const { here, elsewhere } = card;
      return refuse(409, 'insufficient', { here, elsewhere, short: was.total - here, pulled: 0 });
    }
    if (card) card.here += was.kind === 'top_up' ? -was.total : byCard;
    const receipt = record(terminal, body.counter, 'reversal', card, was.lines, was.total, was.tenders, was.id);
    was.reversed_by = receipt.id;
    return ok(receipt);
  }

  /**
   * Answers one money call once per (terminal, counter): the same again gives the same answer, another body
   * is refused.
   */
  function moneyCall(work, terminal, body, raw, path) {
    const key = `${terminal}.${body.counter}`;
    const known = state.answers.get(key);
    if (known) return known.raw === path + raw ? known.answer : refuse(409, 'key_reused');
    if (body.counter !== state.counters.get(terminal))
      return refuse(409, 'key_too_old', { next_counter: state.counters.get(terminal) });
    if (state.blocked) return refuse(503, state.blocked);
    const answer = work(terminal, body);
    if (answer.status === 200) state.answers.set(key, { raw: path + raw, answer });
    return answer;
  }

  const network = () => ({
    now: seconds(),
    node: 1,
    role: 'hq',
    unit: { code: 'CNY', exponent: 2 },
    exposure_days: 7,
    cases_open: state.cases.length,
    differences: state.differences.length,
    demo: base,
    total_exposure: state.nodes.reduce((sum, it) => sum + it.exposure, 0),
    nodes: state.nodes.map(({ running, cut, ...it }) => {
      const up = running && !cut;
      return { ...it, link: up ? 'up' : 'down', link_over: up ? it.parent : null };
    }),
  });

  const caseList = () => ({
    open: state.cases.length,
    cases: state.cases,
    recomputed: { entries: 81_234, behind: 0, differences: state.differences.length, first: state.differences },
  });

  function pair(body) {
    if (!state.codes.delete(body.code)) return refuse(403, 'bad_token');
    const terminal = state.nextTerminal++;
    const token = `t${terminal}-${Math.random().toString(36).slice(2)}`;
    state.tokens.set(token, terminal);
    state.counters.set(terminal, 8);
    return ok({ terminal, token });
  }

  function quoteOf(body) {
    const card = body.card ? state.cards.get(body.card) : undefined;
    if (body.card && card?.status !== 'active') return refuse(409, card ? 'card_blocked' : 'unknown_card');
    const { quote, problem } = priceMock(state, card, body);
    return problem ? refuse(409, problem.error, { detail: problem.detail }) : ok(quote);
  }

  function api(method, path, body, raw, terminal) {
    if (path === '/api/v1/pair' && method === 'POST') return pair(body);
    if (path === '/api/v1/network' && (openNetwork || terminal)) return ok(network());
    if (path === '/api/v1/cases' && (openNetwork || terminal)) return ok(caseList());
    if (!terminal) return refuse(401, 'not_allowed');
    if (path === '/api/v1/till') return ok(till(terminal));
    if (path === '/api/v1/products') return ok({ version: 3, products: state.products });
    if (path === '/api/v1/programme') return ok(state.programme);
    if (path === '/api/v1/quotes' && method === 'POST') return quoteOf(body);
    if (path === '/api/v1/cards/lookup') {
      const card = state.cards.get(body.card);
      return card ? ok(cardBody(card)) : refuse(404, 'unknown_card');
    }
    if (path === '/api/v1/stock') return shelfCall(state, { ok, refuse }, method, terminal, body, seen);
    if (path === '/api/v1/cards/pin') return pinCall(state, { ok, refuse }, terminal, body, seen);
    if (path === '/api/v1/cards/code') return codeCall(state, { ok, refuse }, body);
    if (path === '/api/v1/receipts/check') return checkCall({ ok, refuse }, body);
    const more = returnCalls(state, { ok, refuse, record });
    more['/api/v1/cards/returns'] = (...asked) => giveBackCall(state, { ok, refuse }, record, ...asked);
    const work = { ...more, '/api/v1/sales': sale, '/api/v1/topups': topUp, '/api/v1/reversals': reversal }[path];
    if (work && method === 'POST') return moneyCall(work, terminal, body, raw, path);
    const day = /^\/api\/v1\/reports\/([^/]+)\/([^/]+)(\/print)?$/.exec(path);
    if (day) return ok(dayReportMock(state, day, print));
    const receipt = /^\/api\/v1\/receipts\/([^/]+)(\/print)?$/.exec(path);
    const found = receipt && state.receipts.get(decodeURIComponent(receipt[1]));
    if (!found) return refuse(404, 'not_found');
    if (!receipt[2]) return ok(found);
    print(found.id, ticket(found, true));
    return ok({ queued: true });
  }

  function setDevice(kind, value) {
    state[kind] = value;
    emit('device', devices());
    return ok({ ok: true });
  }

  function demoNode(method, number, action, body) {
    const node = state.nodes.find((it) => it.node === number);
    if (!node) return refuse(404, 'not_found');
    if (action === 'kill' || action === 'restart') node.running = action === 'restart';
    else if (action === 'swipe' && number === 3) {
      if (state.reader !== 'ready') return refuse(409, 'offline');
      const card = state.cards.get(body.card);
      emit('card', { number: body.card, masked: card?.masked ?? '**** ????', source: 'reader' });
    } else if (action === 'scan' && number === 3) {
      emit('product', { ean: body.ean, product: state.products.find((it) => it.ean === body.ean)?.id ?? null });
    } else if (action === 'unplug' || action === 'plug')
      return number === 3 ? setDevice(body.kind, action === 'plug' ? 'ready' : 'unplugged') : ok({ ok: true });
    else if (action === 'printer' && method === 'GET') {
      return ok({
        paper: { ready: 'ok', paper_low: 'low', paper_out: 'out' }[state.printer] ?? state.printer,
        tickets: number === 3 ? state.storedTickets : [],
      });
    } else if (action === 'printer')
      return setDevice('printer', { ok: 'ready', low: 'paper_low', out: 'paper_out' }[body.paper] ?? body.paper);
    return ok({ ok: true });
  }

  function demo(method, path, body) {
    if (path === '/demo/state') {
      return ok({
        links: state.nodes
          .filter((it) => it.parent)
          .map((it) => ({ child: it.node, parent: it.parent, cut: it.cut })),
        nodes: state.nodes.map((it) => ({
          node: it.node,
          name: it.name,
          role: it.role,
          running: it.running,
          url: base,
        })),
        devices: [3, 4].flatMap((it) =>
          ['reader', 'scanner'].map((kind) => ({ node: it, kind, plugged: it === 4 || state[kind] === 'ready' })),
        ),
      });
    }
    if (path === '/demo/cards')
      return ok({ cards: [...state.cards].map(([number, it]) => ({ number, masked: it.masked })) });
    if (path === '/demo/products')
      return ok({ products: state.products.map((it) => ({ ean: it.ean, name: it.name.en })) });
    const onLink = /^\/demo\/links\/(\d+)\/(cut|heal)$/.exec(path);
    if (onLink) {
      const child = state.nodes.find((it) => it.node === Number(onLink[1]));
      if (!child) return refuse(404, 'not_found');
      child.cut = onLink[2] === 'cut';
      if (!child.cut) Object.assign(child, { last_contact: seconds(), entries_waiting: 0 });
      emit('link', link());
      return ok({ ok: true });
    }
    const onNode = /^\/demo\/nodes\/(\d+)\/(\w+)$/.exec(path);
    return onNode ? demoNode(method, Number(onNode[1]), onNode[2], body) : refuse(404, 'not_found');
  }

  async function serveFile(path, response) {
    const file =
      path === '/'
        ? 'till.html'
        : path === '/network'
          ? 'network.html'
          : path.startsWith('/assets/')
            ? normalize(path).slice(1)
            : null;
    const data = file && !file.startsWith('..') ? await readFile(join(DIST, file)).catch(() => null) : null;
    if (!data) return response.writeHead(404).end();
    const headers = {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
    };
    if (csp) {
      headers['content-security-policy'] =
        `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ${base}; ` +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    }
    response.writeHead(200, headers).end(data);
  }

  function stream(response) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': hello\n\n');
    streams.add(response);
    counts.streams += 1;
    response.on('close', () => streams.delete(response));
  }

  async function readBody(request) {
    let raw = '';
    for await (const chunk of request) {
      raw += chunk;
      if (raw.length > BODY_MAX) return null;
    }
    return raw;
  }

  async function handle(request, response) {
    const url = new URL(request.url, 'http://mock');
    const path = url.pathname;
    const isDemo = path.startsWith('/demo/');
    if (isDemo && request.method === 'OPTIONS') {
      return response
        .writeHead(204, { 'access-control-allow-origin': '*', 'access-control-allow-headers': 'content-type' })
        .end();
    }
    if (!isDemo && !path.startsWith('/api/')) return serveFile(path, response);
    const terminal = state.tokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
    if (path === '/api/v1/events' && faults.streams) return response.writeHead(503).end();
    if (path === '/api/v1/events')
      return terminal ? stream(response) : response.writeHead(401).end('{"error":"not_allowed"}');
    const raw = await readBody(request);
    let answer;
    try {
      const isMoney = /\/(sales|topups|reversals|cards\/returns)$/.test(path);
      const fault = isMoney ? (faults.shift() ?? faults.lasting) : undefined;
      if (isMoney) counts.money += 1;
      if (path === '/api/v1/quotes') {
        counts.quotes += 1;
        if (faults.quotes === 'silent') return response.destroy();
        if (faults.quotes === 'slow') await new Promise((resolve) => setTimeout(resolve, 700));
      }
      if (fault === 'lose_request') return response.destroy();
      if (fault === 'slow') await new Promise((resolve) => setTimeout(resolve, 700));
      const body = raw ? JSON.parse(raw) : {};
      answer =
        raw === null
          ? refuse(413, 'malformed')
          : isDemo
            ? demo(request.method, path, body)
            : (terminal && memberCall(state, { ok, refuse }, request.method, path, body, url.searchParams)) ||
              api(request.method, path, body, raw, terminal);
      if (fault === 'lose_answer') return response.destroy();
      if (fault === 'unknown') answer = refuse(503, 'io', { retry: 'same_counter' });
    } catch {
      answer = refuse(400, 'malformed');
    }
    const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    if (isDemo) headers['access-control-allow-origin'] = '*';
    response.writeHead(answer.status, headers).end(JSON.stringify(answer.body));
  }

  const server = createServer(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${server.address().port}`;
  const alive = setInterval(() => streams.forEach((it) => it.write(': alive\n\n')), 15_000);
  const life = setInterval(() => {
    for (const node of state.nodes) {
      if (!node.cut && node.running && node.parent) node.last_contact = seconds();
      else if (node.parent && node.running && node.node !== 3) node.entries_waiting += 1;
    }
  }, 1_000);

  function close() {
    clearInterval(alive);
    clearInterval(life);
    sockets.forEach((it) => it.destroy());
    return new Promise((resolve) => server.close(resolve));
  }
  return {
    url: base,
    state,
    faults,
    counts,
    emit,
    close,
    dropStreams: () => streams.forEach((it) => it.destroy()),
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const mock = await startMock({ port: Number(process.argv[2] ?? 8090) });
  console.log(`till:    ${mock.url}/?code=482-913\nnetwork: ${mock.url}/network`);
}
