// Carries events between the pure till and the world: HTTP, the event stream, the browser's storage, the clock.
import { PAID } from '../lib/programme';
import { signal } from '@preact/signals';
import { authHeaders, call, sendMoney, setToken, type Read } from '../lib/api';
import { hasKey } from '../lib/i18n';
import { readStored, step, type MoneyRequest, type OutboxEffect, type OutboxEvent } from '../lib/outbox';
import { cardMoney, withoutPin } from '../lib/pin';
import { keepEvents, type EventKeeper, type SseEvent } from '../lib/sse';
import { basketTotal, bill, quoteMissing, saleFields, tendersFor, wantedQuote } from '../lib/bill';
import { findByEan, initialModel, reduce, type PayKind, type TillEvent, type TillModel } from '../lib/till';
import { readMember } from './member_state';
import type { Card, Devices, LinkState, Product, Programme, Quote, Receipt, Refusal, SentCode, Shelf, ShelfLine, Tender, TillInfo } from '../lib/types';

const PENDING = 'tally.pending';
const SEEN = 'tally.seen';
const RECEIPTS = 'tally.receipts';
const REREAD_MS = 15_000;
/** The node is on this machine or in this shop: it prices a basket in milliseconds, or something is wrong. */
const QUOTE_TIMEOUT_MS = 3_000;
const QUOTE_RETRY_MS = 2_000;

export const model = signal<TillModel>(initialModel);
/** Seconds since 1970, moved on every second: what "12 s ago" is counted from. */
export const now = signal(Math.floor(Date.now() / 1000));

let nextCounter = 0;
/** Counts money requests begun and ended: a till state read across one of them tells an old counter. */
let moneyMoves = 0;
let lookups = 0;
/** The version that the rules were last read for: a till that missed the event of a new one reads them all the same. */
let rulesVersion = -1;
let quoting = false;
/** The last request that was asked for, to be asked for again with the PIN. In memory alone. */
type Asked = Pick<MoneyRequest, 'kind' | 'path' | 'amount'> & { fields: Record<string, unknown> };
let lastAsked: Asked | null = null;
let typedPin = false;
let typedCode = false;
let settingPin = false;
/** After a question that nobody answered, the next one waits until then. */
let quoteFrom = 0;
let quoteTimer: ReturnType<typeof setTimeout> | undefined;
let events: EventKeeper | null = null;
let reread: ReturnType<typeof setInterval> | null = null;
let retryTimer: ReturnType<typeof setTimeout> | undefined;

export function dispatch(event: TillEvent): void {
  const next = reduce(model.value, event);
  const kept = next.receipts !== model.value.receipts;
  model.value = next;
  if (kept && next.info) store(RECEIPTS, JSON.stringify({ terminal: next.info.terminal, receipts: next.receipts }));
  if (!quoting && quoteMissing(next)) void askQuote();
}

function store(key: string, value: string): boolean {
  try {
    localStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keepSeen(seen: string | undefined): void {
  if (seen) store(SEEN, seen);
}

// -- money ----------------------------------------------------------------------------------------

function deliver(effect: OutboxEffect & { do: 'deliver' }): void {
  const { outcome, attempt } = effect;
  moneyMoves += 1;
  if (outcome.kind === 'done') {
    keepSeen(outcome.receipt.seen);
    nextCounter = outcome.receipt.next_counter ?? effect.request.counter + 1;
    dispatch({ type: 'done', receipt: outcome.receipt, recovered: attempt > 1 });
    void refresh();
    void rereadCard(outcome.receipt.kind === 'card_return');
  } else if (outcome.kind === 'refused') {
    keepSeen(outcome.refusal.seen);
    if (outcome.refusal.next_counter !== undefined) nextCounter = outcome.refusal.next_counter;
    dispatch({ type: 'refused', refusal: outcome.refusal });
    if (outcome.refusal.error === 'bad_tender') void readRules();
    const short = outcome.refusal.error === 'insufficient';
    if (short || (wasGiveBack() && outcome.refusal.error === 'bad_amount')) void rereadCard(wasGiveBack());
    // A used or too old number means that this page's counter is behind: the node tells the right one.
    if (outcome.refusal.error.startsWith('key_')) void refresh();
  }
}

function run(effect: OutboxEffect): boolean {
  if (effect.do === 'store') {
    // Another window of this till may have a request under way: it goes first.
    const other = readStored(stored(PENDING));
    const { request } = effect;
    const kept = { ...request, body: withoutPin(request.body) };
    if (!other && store(PENDING, JSON.stringify(kept))) return true;
    outbox({ type: 'stored_failed' });
    if (other) outbox({ type: 'resume', request: other, terminal: effect.request.terminal });
    else dispatch({ type: 'notice', notice: { tone: 'error', type: 'text', key: 'notice.storage' } });
    return false;
  }
  if (effect.do === 'send') {
    const { counter, path, body } = effect.request;
    void sendMoney(path, body).then((outcome) => {
      outbox({ type: 'outcome', counter, outcome });
      if (outcome.kind === 'unanswered' && outcome.why === 'unpaired') dispatch({ type: 'unpaired' });
    });
  } else if (effect.do === 'clear') {
    localStorage.removeItem(PENDING);
  } else {
    deliver(effect);
  }
  return true;
}

export function outbox(event: OutboxEvent): void {
  const result = step(model.value.outbox, event, Date.now());
  dispatch({ type: 'outbox', outbox: result.state });
  clearTimeout(retryTimer);
  if (result.state.phase === 'waiting' && Number.isFinite(result.state.retryAt)) {
    retryTimer = setTimeout(() => outbox({ type: 'due' }), Math.max(0, result.state.retryAt - Date.now()) + 5);
  }
  for (const effect of result.effects) if (!run(effect)) return;
}

function submit(kind: MoneyRequest['kind'], path: string, amount: number, fields: Record<string, unknown>): void {
  const { info, outbox: state } = model.value;
  if (!info || state.phase !== 'idle' || settingPin) return;
  const { pin, code, ...plain } = fields;
  typedPin = pin !== undefined;
  typedCode = code !== undefined;
  if (!lastAsked || cardMoney(plain) !== cardMoney(lastAsked.fields) || plain['card'] !== lastAsked.fields['card'])
    codeSent.value = null;
  lastAsked = { kind, path, amount, fields: plain };
  const counter = nextCounter;
  const body = JSON.stringify({ counter, ...fields, seen: stored(SEEN) ?? undefined });
  moneyMoves += 1;
  dispatch({ type: 'notice', notice: null });
  outbox({ type: 'submit', request: { v: 1, terminal: info.terminal, counter, kind, path, body, amount } });
}

/** Whether what was asked for last is still what the screen shows: the same card, and of a sale the same basket. */
function isAsked(asked: Asked | null): asked is Asked {
  const held = model.value;
  if (asked?.kind === 'reversal') return true;  // it names a receipt, whatever else is on the screen
  if (!asked || held.card?.number !== asked.fields['card']) return false;
  const { lines, uses, gifts } = saleFields(held);
  const same = (name: string, now: unknown) => JSON.stringify(asked.fields[name]) === JSON.stringify(now);
  return asked.kind !== 'sale' || (same('lines', lines) && same('uses', uses) && same('gifts', gifts));
}

/** Where the code for the last request went, or why none did. */
export const codeSent = signal<{ code: SentCode } | { refusal: Refusal } | null>(null);

/** Whether the last request had a one-time code. */
export const codeWasTyped = (): boolean => typedCode;

/** Has a one-time code sent for what was refused. Nothing is kept of it here: the customer reads it. */
export async function sendCode(): Promise<void> {
  const asked = lastAsked;
  if (!isAsked(asked) || model.value.outbox.phase !== 'idle') return;
  const body = { card: asked.fields['card'], amount: cardMoney(asked.fields) };
  const answer = await call<SentCode>('POST', '/api/v1/cards/code', body);
  if (asked === lastAsked) codeSent.value = answer.ok ? { code: answer.body } : { refusal: answer.refusal };
}

/** The same once more, with the one-time code, and the PIN where the node asked for that as well. */
export function answerCode(code: string, pin?: string): void {
  if (isAsked(lastAsked)) submit(lastAsked.kind, lastAsked.path, lastAsked.amount, { ...lastAsked.fields, pin, code });
}

/** Whether the last request had a PIN: a refusal that asks for it then says that nobody could judge it. */
export const pinWasTyped = (): boolean => typedPin;

/** Whether the card at the till is known to have no PIN; what a reversal asks for is its receipt's card's. */
export const hasNoPin = (): boolean => lastAsked?.kind !== 'reversal' && model.value.card?.card.pin?.set === false;

/** Whether the PIN can be typed for what was refused. */
export const mayAnswerPin = (): boolean => isAsked(lastAsked);

/** The same once more, with the PIN that the node asked for. */
export function answerPin(pin: string): void {
  if (isAsked(lastAsked)) submit(lastAsked.kind, lastAsked.path, lastAsked.amount, { ...lastAsked.fields, pin });
}

/** A sale that was refused for want of PIN or code, in two parts: what the card pays without, and the rest. */
export function splitWithoutPin(refusal: Refusal): Tender[] | null {
  const free = refusal.without_pin ?? refusal.without_code ?? 0;
  if (!isAsked(lastAsked) || lastAsked.kind !== 'sale' || free <= 0 || free >= lastAsked.amount) return null;
  const tenders = lastAsked.fields['tenders'] as Tender[];
  if (tenders.length !== 1 || tenders[0]?.kind !== 'card') return null;
  return [
    { kind: 'card', amount: free },
    { kind: 'cash', amount: lastAsked.amount - free },
  ];
}

export function payWithoutPin(tenders: Tender[]): void {
  if (isAsked(lastAsked)) submit(lastAsked.kind, lastAsked.path, lastAsked.amount, { ...lastAsked.fields, tenders });
}

/** Whether the node may put aside what the card has for the sale that it refused, and the rest be paid otherwise. */
export function mayPayPart(): boolean {
  if (!isAsked(lastAsked) || lastAsked.kind !== 'sale' || lastAsked.fields['partial']) return false;
  const tenders = lastAsked.fields['tenders'] as Tender[];
  const plain = ['uses', 'gifts'].every((name) => !(lastAsked?.fields[name] as unknown[] | undefined)?.length);
  return plain && tenders.length === 1 && tenders[0]?.kind === 'card';
}

/** The same sale once more, of which the card pays what it has, here and elsewhere. */
export function payPart(): void {
  if (mayPayPart() && lastAsked)
    submit('sale', lastAsked.path, lastAsked.amount, { ...lastAsked.fields, partial: true });
}

/** Why the last PIN was not set. */
export const pinProblem = signal<Refusal | null>(null);

/** A PIN for the held card. It is in no storage of the browser: after a lost answer it is typed again. */
export async function setPin(pin: string, old?: string): Promise<boolean> {
  const { card, outbox: state } = model.value;
  if (!card || state.phase !== 'idle' || settingPin) return false;
  settingPin = true;
  moneyMoves += 1;
  const body = { counter: nextCounter, card: card.number, pin, old_pin: old, seen: stored(SEEN) ?? undefined };
  const answer = await call<{ next_counter: number; seen: string }>('POST', '/api/v1/cards/pin', body);
  settingPin = false;
  moneyMoves += 1;
  pinProblem.value = answer.ok ? null : answer.refusal;
  const told = answer.ok ? answer.body : answer.refusal;
  keepSeen(told.seen);
  if (told.next_counter !== undefined) nextCounter = told.next_counter;
  else void refresh();
  if (answer.ok) dispatch({ type: 'notice', notice: { tone: 'ok', type: 'text', key: 'pin.done' } });
  await lookUpAgain(card.number);
  return answer.ok;
}

/** What was said of the shelf and not answered: the same bytes are sent again, since "5 more came" counts each time. */
let shelfAsked: Record<string, unknown> | null = null;

/**
 * Pieces of gifts that were counted, or that came. null: something else is under way. After an answer that never came
 * (`unreachable`) the next call asks for the same once more, whatever it is given.
 */
export async function sayShelf(how: 'counted' | 'delivered', pieces: ShelfLine[]): Promise<Read<Shelf> | null> {
  if (model.value.outbox.phase !== 'idle' || settingPin) return null;
  settingPin = true;
  moneyMoves += 1;
  const body = shelfAsked ?? { counter: nextCounter, [how]: pieces, seen: stored(SEEN) ?? undefined };
  const answer = await call<Shelf>('POST', '/api/v1/stock', body);
  settingPin = false;
  moneyMoves += 1;
  const open = !answer.ok && (answer.status === 0 || answer.refusal.retry === 'same_counter' || answer.status === 429);
  shelfAsked = open ? body : null;
  const told = answer.ok ? answer.body : answer.refusal;
  keepSeen(told.seen);
  if (told.next_counter !== undefined) nextCounter = told.next_counter;
  else if (!open) void refresh();
  return answer;
}

async function lookUpAgain(number: string, times = 1): Promise<void> {
  const mine = lookups;
  const answer = await call<Card>('POST', '/api/v1/cards/lookup', { card: number });
  if (mine !== lookups || model.value.card?.number !== number || !answer.ok) return;
  dispatch({ type: 'card_read', card: answer.body });
  if (times > 1) lookUpWhenTold(number, answer.body, times - 1);
}

/** What lies elsewhere comes over a slow line while the card is shown with what was known before. */
function lookUpWhenTold(number: string, card: Card, times: number): void {
  const mine = lookups;
  if (card.elsewhere_pending)
    setTimeout(() => mine === lookups && model.value.card?.number === number && void lookUpAgain(number, times), 1_200);
}

export function pay(kind: PayKind): void {
  const held = model.value;
  const tenders = tendersFor(held, kind);
  const { due, state } = bill(held);
  if (!tenders || due === null || held.outbox.phase !== 'idle' || held.payWish) return;
  // Nobody waits for a second touch because the node is still adding up the last scan.
  if (state === 'asking') return dispatch({ type: 'pay_wish', wish: { kind, shown: due } });
  const fields = saleFields(held);
  const number = tenders.some((it) => it.kind === 'card') ? held.card?.number : fields['card'];
  submit('sale', '/api/v1/sales', due, { ...fields, card: number, tenders });
}

export function topUp(amount: number, tender: 'cash' | 'bank', pack?: number): void {
  const { card } = model.value;
  if (card) submit('top_up', '/api/v1/topups', amount, { card: card.number, amount, tender, package: pack });
}

/** Refused here at once, and everywhere when head office has heard of it. */
export function reportCard(state: 'lost' | 'frozen'): void {
  const { card } = model.value;
  if (card) submit('card_report', '/api/v1/cards/reports', 0, { card: card.number, state });
}

export function sellCard(tender: 'cash' | 'bank'): void {
  const { card } = model.value;
  const sale = card?.card.for_sale;
  if (card && sale) submit('card_sale', '/api/v1/cards/sales', sale.price + sale.deposit, { card: card.number, tender });
}

/** The held card for good: paid money and deposit go to its holder. */
export function giveBack(paid: number, deposit: number, tender: 'cash' | 'bank'): void {
  const { card } = model.value;
  if (card)
    submit('card_return', '/api/v1/cards/returns', paid + deposit, { card: card.number, paid, deposit, tender });
}

/** Whether the last request was to take a card back. */
export const wasGiveBack = (): boolean => lastAsked?.kind === 'card_return';

/** Whether it was to take goods back, or a whole receipt. */
export const wasTakenBack = (): boolean => lastAsked?.kind === 'refund' || lastAsked?.kind === 'reversal';

export function reverse(receipt: Receipt): void {
  submit('reversal', '/api/v1/reversals', receipt.total, { receipt: receipt.id });
}

/** Goods that come back; the node says what they cost then. */
export function refund(fields: Record<string, unknown>): void {
  submit('refund', '/api/v1/refunds', 0, fields);
}

/** Units of the held card, given by hand or, below zero, taken. */
export function adjust(purse: number, units: number, reason: string): void {
  const { card } = model.value;
  if (card) submit('adjustment', '/api/v1/adjustments', 0, { card: card.number, purse, units, reason });
}

/** Money (purse 1) or units of the held card for another. */
export function give(to: string, purse: number, units: number): void {
  const { card } = model.value;
  if (card) submit('gift', '/api/v1/transfers', purse === PAID ? units : 0, { card: card.number, to, purse, units });
}

/** What a voucher's code promises goes onto the held card. */
export function redeemOnto(code: string): void {
  const { card } = model.value;
  if (card) submit('gift', '/api/v1/transfers', 0, { card: code, to: card.number });
}

/** A voucher that was scanned while a card is held: it goes onto that card, or is used by itself. */
export const offered = signal<{ number: string; card: Card } | null>(null);

export async function offerVoucher(code: string): Promise<void> {
  const held = model.value.card;
  if (!held || held.card.voucher) return lookUp(code);
  const answer = await call<Card>('POST', '/api/v1/cards/lookup', { card: code });
  if (model.value.card?.number !== held.number) return;
  if (answer.ok) offered.value = { number: code, card: answer.body };
  else dispatch({ type: 'refused', refusal: answer.refusal });
}

/** Puts money of the held card aside for an hour. */
export function authorise(amount: number): void {
  const { card } = model.value;
  if (card) submit('authorisation', '/api/v1/authorisations', amount, { card: card.number, amount });
}

/** The basket takes what was put aside. */
export function capture(authorisation: Receipt, tenders: Tender[]): void {
  const { lines } = saleFields(model.value);
  const due = tenders.reduce((sum, it) => sum + it.amount, 0);
  submit('capture', '/api/v1/captures', due, { authorisation: authorisation.id, lines, tenders });
}

export function voidHold(authorisation: Receipt): void {
  submit('void', '/api/v1/voids', authorisation.total, { authorisation: authorisation.id });
}

// -- quotes ---------------------------------------------------------------------------------------

/**
 * One question at a time, always about the newest basket: what was typed or scanned while one was under way is asked
 * about when it is answered. So no timer delays the first, and a fast hand causes no queue.
 */
async function askQuote(): Promise<void> {
  const wait = quoteFrom - Date.now();
  if (wait > 0) {
    clearTimeout(quoteTimer);
    quoteTimer = setTimeout(() => void (!quoting && quoteMissing(model.value) && askQuote()), wait + 5);
    return;
  }
  const wanted = wantedQuote(model.value);
  if (!wanted) return;
  const { uses, gifts } = model.value;
  quoting = true;
  const answer = await call<Quote>('POST', '/api/v1/quotes', wanted.body, QUOTE_TIMEOUT_MS);
  quoting = false;
  if (!answer.ok && answer.status === 401) return unpaired();
  if (!answer.ok && (answer.status === 0 || answer.status === 429 || answer.status >= 500))
    quoteFrom = Date.now() + QUOTE_RETRY_MS;
  dispatch({ type: 'quote', key: wanted.key, uses, gifts, answer });
  const { payWish } = model.value;
  const { state, quote } = bill(model.value);
  if (state !== 'quoted') return;
  if (payWish) {
    dispatch({ type: 'pay_wish', wish: null });
    if (tendersFor(model.value, payWish.kind)) pay(payWish.kind);
    else dispatch({ type: 'notice', notice: { tone: 'info', type: 'text', key: 'quote.changed' } });
  }
  // Prices that this page does not have yet.
  if (quote && quote.gross !== basketTotal(model.value)) void readProducts();
}

// -- reading --------------------------------------------------------------------------------------

export async function refresh(): Promise<void> {
  const movesBefore = moneyMoves;
  const answer = await call<TillInfo>('GET', '/api/v1/till');
  if (!answer.ok) {
    if (answer.status === 401) unpaired();
    else dispatch({ type: 'unreachable' });
    return;
  }
  const first = model.value.phase !== 'ready';
  keepSeen(answer.body.seen);
  // While a request is under way its counter may or may not be used up; its answer tells.
  if (first || (model.value.outbox.phase === 'idle' && movesBefore === moneyMoves))
    nextCounter = answer.body.next_counter;
  dispatch({ type: 'info', info: answer.body });
  events?.wake();
  if (first) begin(answer.body);
  if (answer.body.rules_version !== rulesVersion) {
    rulesVersion = answer.body.rules_version;
    void readRules();
  }
}

async function readProducts(): Promise<void> {
  const answer = await call<{ products: Product[] }>('GET', '/api/v1/products');
  if (answer.ok) dispatch({ type: 'products', products: answer.body.products });
  else if (answer.status !== 401) setTimeout(() => void readProducts(), 3_000);
}

/** A node that knows no programme has none. */
async function readProgramme(): Promise<void> {
  const answer = await call<Programme>('GET', '/api/v1/programme');
  if (answer.ok) dispatch({ type: 'programme', programme: answer.body });
  else if (answer.status === 404) dispatch({ type: 'programme', programme: null });
  else if (answer.status !== 401) setTimeout(() => void readProgramme(), 3_000);
}

async function readRules(): Promise<void> {
  await Promise.all([readProducts(), readProgramme()]);
}

/** The held card's purses after something changed them. Silent: what is shown stays until the answer is here. */
async function rereadCard(always = false): Promise<void> {
  const held = model.value.card;
  if (!held || (!always && !held.card.purses?.length)) return;
  const mine = lookups;
  const answer = await call<Card>('POST', '/api/v1/cards/lookup', { card: held.number });
  if (mine !== lookups || model.value.card?.number !== held.number || !answer.ok) return;
  keepSeen(answer.body.seen);
  dispatch({ type: 'card_read', card: answer.body });
}

export async function lookUp(number: string): Promise<void> {
  const mine = ++lookups;
  dispatch({ type: 'looking', looking: true });
  const answer = await call<Card>('POST', '/api/v1/cards/lookup', { card: number });
  if (mine !== lookups) return; // a later swipe is the card that counts
  if (answer.ok) {
    keepSeen(answer.body.seen);
    dispatch({ type: 'card', card: { number, card: answer.body } });
    lookUpWhenTold(number, answer.body, 3);
    void readMember(number);
  } else {
    dispatch({ type: 'card', card: null });
    dispatch({ type: 'refused', refusal: answer.refusal });
  }
}

export async function printCopy(receipt: Receipt): Promise<void> {
  const answer = await call<{ queued: boolean }>(
    'POST',
    `/api/v1/receipts/${encodeURIComponent(receipt.id)}/print`,
    {},
  );
  if (answer.ok) dispatch({ type: 'notice', notice: { tone: 'ok', type: 'text', key: 'receipts.copy_sent' } });
  else dispatch({ type: 'refused', refusal: answer.refusal });
}

/** A barcode from the scanner or the keyboard. Answers whether it was a product. */
export function addByEan(text: string): boolean {
  const product = findByEan(model.value.products, text);
  if (product) dispatch({ type: 'add', product: product.id });
  return product !== null;
}

function unknownBarcode(ean: string): void {
  dispatch({ type: 'notice', notice: { tone: 'error', type: 'text', key: 'products.unknown', params: { ean } } });
}

function onEvent(event: SseEvent): void {
  let data: Record<string, unknown>;
  try {
    data = JSON.parse(event.data) as Record<string, unknown>;
  } catch {
    return; // a damaged event is a missed event; the state is re-read every 15 s
  }
  if (event.event === 'card') void lookUp(String(data['number']));
  else if (event.event === 'voucher') void offerVoucher(String(data['code']));
  else if (event.event === 'product') onScan(data as { ean: string; product: number | null });
  else if (event.event === 'receipt_code') void onReceiptCode(data as unknown as ReceiptCode);
  else if (event.event === 'receipt') dispatch({ type: 'receipt', receipt: data as unknown as Receipt });
  else if (event.event === 'print')
    dispatch({ type: 'print', receipt: String(data['receipt']), state: String(data['state']) });
  else if (event.event === 'misread') {
    const key = `misread.${String(data['reason'])}`;
    dispatch({
      type: 'notice',
      notice: { tone: 'error', type: 'text', key: hasKey(key) ? key : 'misread.again' },
    });
  } else if (event.event === 'device')
    dispatch({ type: 'patch', info: { devices: { ...model.value.info?.devices, ...(data as Devices) } } });
  else if (event.event === 'link') dispatch({ type: 'patch', info: { link: data as unknown as LinkState } });
  else if (event.event === 'blocked')
    dispatch({ type: 'patch', info: { blocked: data['blocked'] as string | null } });
  else if (event.event === 'rules') {
    void readRules();
    dispatch({ type: 'notice', notice: { tone: 'info', type: 'text', key: 'notice.rules' } });
  }
}

interface ReceiptCode {
  id: string;
  /** Null: a number without a proof, or a code that is not genuine, as `error` says. */
  standing: string | null;
  error: string | null;
  /** Of a genuine one: its text. */
  code?: string;
}

/** A genuine code of another store's receipt was scanned: what the page does with it. */
let elsewhere: (code: string) => void = () => undefined;
export function onReceiptElsewhere(take: (code: string) => void): void {
  elsewhere = take;
}

/** A receipt's code was scanned: says what it is worth, and shows the receipt if it is this store's. */
async function onReceiptCode(code: ReceiptCode): Promise<void> {
  const say = (tone: 'ok' | 'info' | 'error', key: string) =>
    dispatch({ type: 'notice', notice: { tone, type: 'text', key, params: { id: code.id } } });
  if (code.error !== null) return say('error', 'proof.forged');
  if (code.standing === 'other_history' || code.standing === 'revoked') return say('error', 'proof.worthless');
  const answer = await call<Receipt>('GET', `/api/v1/receipts/${encodeURIComponent(code.id)}`);
  if (answer.ok) {
    dispatch({ type: 'receipt', receipt: answer.body });
    dispatch({ type: 'select', receipt: answer.body.id });
    dispatch({ type: 'view', view: 'receipts' });
    if (answer.body.reversed_by) return say('info', 'proof.reversed');
    return say(code.standing ? 'ok' : 'info', code.standing ? 'proof.genuine' : 'proof.none');
  }
  if (answer.status !== 404) return dispatch({ type: 'refused', refusal: answer.refusal });
  say(code.standing ? 'ok' : 'error', code.standing ? 'proof.elsewhere' : 'proof.unknown');
  if (code.standing && code.code) elsewhere(code.code);
}

function onScan(data: { ean: string; product: number | null }): void {
  const known = data.product !== null && model.value.products.some((it) => it.id === data.product);
  if (known && data.product !== null) dispatch({ type: 'add', product: data.product });
  else if (!addByEan(data.ean)) unknownBarcode(data.ean);
}

// -- life -----------------------------------------------------------------------------------------

/** First answer of a paired node: bring back what this terminal had, finish what was under way, listen. */
function begin(info: TillInfo): void {
  try {
    const kept = JSON.parse(stored(RECEIPTS) ?? 'null') as { terminal: number; receipts: Receipt[] } | null;
    if (kept && kept.terminal === info.terminal && Array.isArray(kept.receipts))
      dispatch({ type: 'receipts', receipts: kept.receipts });
  } catch {
    // A list that does not parse is left behind; the ledger has every receipt.
  }
  outbox({ type: 'resume', request: readStored(stored(PENDING)), terminal: info.terminal });
  events?.stop();
  events = keepEvents('/api/v1/events', authHeaders, {
    open: () => {
      dispatch({ type: 'listening', listening: true });
      void refresh();
    },
    event: onEvent,
    closed: () => {
      dispatch({ type: 'listening', listening: false });
      void refresh();
    },
  });
  if (reread) clearInterval(reread);
  reread = setInterval(() => void refresh(), REREAD_MS);
}

function unpaired(): void {
  events?.stop();
  events = null;
  if (reread) clearInterval(reread);
  dispatch({ type: 'unpaired' });
}

/** Six digits, with or without the dash. Answers null when paired, else why not. */
export async function pair(code: string): Promise<Refusal | null> {
  const answer = await call<{ terminal: number; token: string }>('POST', '/api/v1/pair', { code });
  if (!answer.ok) return answer.refusal;
  setToken(answer.body.token);
  await refresh();
  return null;
}

export function start(): void {
  setInterval(() => (now.value = Math.floor(Date.now() / 1000)), 1_000);
  addEventListener('online', () => outbox({ type: 'retry_now' }));
  void firstRead();
}

/** Until the node has answered once, ask it again and again; afterwards the event stream does. */
async function firstRead(): Promise<void> {
  await refresh();
  if (model.value.phase === 'loading') setTimeout(() => void firstRead(), 1_500);
}
