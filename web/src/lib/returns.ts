// Goods that come back, and money that was put aside: what the till may ask the node for. Pure.
import { bill } from './bill';
import type { TillModel } from './till';
import type { Receipt, Tender } from './types';

export interface ReturnLine {
  product: number;
  /** What the receipt calls it; of another store's sale only its number is known. */
  name?: string;
  quantity: number;
}
export type ReturnTo = 'card' | 'cash' | 'bank';
/** A sale of which goods may come back. */
export interface ReturnSource {
  id: string;
  /** Text of the receipt's code: the sale is another store's. */
  proof?: string;
  store?: string;
  lines: ReturnLine[];
  to: ReturnTo[];
}
/** What the check of a receipt's code says of the sale, as far as this page reads it. */
export interface CheckedSale {
  id: string;
  standing: string;
  store: string;
  entry: { kind: string; by_card?: boolean; lines?: { product: number; quantity: number }[] } | null;
}

const SALES = ['sale', 'capture'];
const GOOD = ['cosigned', 'held', 'signed_only'];

function byProduct(lines: ReturnLine[]): ReturnLine[] {
  const sums = new Map<number, ReturnLine>();
  for (const line of lines) {
    const known = sums.get(line.product);
    sums.set(line.product, known ? { ...known, quantity: known.quantity + line.quantity } : { ...line });
  }
  return [...sums.values()];
}

/** Pieces that units of a purse paid do not come back by product. */
export function returnOfReceipt(receipt: Receipt): ReturnSource | null {
  if (!SALES.includes(receipt.kind) || receipt.reversed_by) return null;
  const lines = byProduct(receipt.lines.filter((it) => it.purse === undefined).map(({ product, name, quantity }) => ({ product, name, quantity })));
  if (lines.length === 0) return null;
  const tendered = receipt.tenders.some((it) => it.kind === 'cash' || it.kind === 'bank');
  const to: ReturnTo[] = [...(receipt.account !== null ? (['card'] as const) : [])];
  if (tendered) to.push('cash', 'bank');
  return to.length > 0 ? { id: receipt.id, lines, to } : null;
}

/** A card that paid a part of another store's sale gets the money: what was given back elsewhere is not known. */
export function returnOfCheck(check: CheckedSale, proof: string): ReturnSource | null {
  const { entry } = check;
  if (!GOOD.includes(check.standing) || !entry || !SALES.includes(entry.kind) || !entry.lines?.length) return null;
  return { id: check.id, proof, store: check.store, lines: byProduct(entry.lines), to: entry.by_card ? ['card'] : ['cash', 'bank'] };
}

/** Members of the request; null when no piece comes back. */
export function refundFields(
  source: ReturnSource,
  pieces: Record<number, number>,
  to: ReturnTo,
): Record<string, unknown> | null {
  const lines = source.lines
    .map((it) => ({ product: it.product, quantity: Math.min(pieces[it.product] ?? 0, it.quantity) }))
    .filter((it) => it.quantity > 0);
  if (lines.length === 0 || !source.to.includes(to)) return null;
  return { ...(source.proof ? { proof: source.proof } : { receipt: source.id }), lines, to };
}

/** A code, or the number of a receipt, as it was scanned or typed; null for other text. */
export function receiptWanted(text: string): { code: string } | { id: string } | null {
  const plain = text.normalize('NFKC').trim();
  if (/^TALLYR[0-9]\.\S{1,432}$/.test(plain)) return { code: plain };
  return /^[0-9]{1,10}\.[0-9a-f]{16}\.[0-9]{1,20}$/.test(plain) ? { id: plain } : null;
}

/**
 * How the basket takes what an authorisation put aside, or null when it cannot: the card is at the till, so that the
 * price is this card's, and no units help, because none were put aside. What is not covered is paid in cash.
 */
export function captureTenders(model: TillModel, authorisation: Receipt): Tender[] | null {
  const { due, state } = bill(model);
  if (authorisation.kind !== 'authorisation' || due === null || due <= 0 || model.basket.length === 0) return null;
  if (state === 'asking' || model.uses.length > 0 || model.gifts.length > 0) return null;
  if (!model.card || model.card.card.account !== authorisation.account) return null;
  const card = Math.min(due, authorisation.total);
  return due > card ? [{ kind: 'card', amount: card }, { kind: 'cash', amount: due - card }] : [{ kind: 'card', amount: card }];
}

/**
 * How a basket that the card paid in part is paid: what was put aside for it, and the rest by `kind`. Null when the
 * basket is another one by now, or the card is.
 */
export function restTenders(model: TillModel, authorisation: Receipt, kind: 'cash' | 'bank'): Tender[] | null {
  const { due } = bill(model);
  const rest = authorisation.remainder;
  const tenders = captureTenders(model, authorisation);
  if (!tenders || rest === undefined || due === null || due !== authorisation.total + rest) return null;
  return [{ kind: 'card', amount: authorisation.total }, { kind, amount: rest }];
}

/** Authorisations that a receipt of this till ended. */
export function isOpenHold(receipt: Receipt, receipts: Receipt[]): boolean {
  return receipt.kind === 'authorisation' && !receipts.some((it) => it.authorisation === receipt.id);
}
