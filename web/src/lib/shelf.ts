// Pieces on the shelf, as they are typed. Pure.

/** Most pieces that one line may say (docs/http-api.md). */
export const PIECES_MAX = 1_000_000;

/** A whole number: of what is there from 0 on, of what came any but 0 (below it: what is gone). null: it is none. */
export function piecesOf(text: string, how: 'counted' | 'delivered'): number | null {
  const plain = text.normalize('NFKC').trim().replace('\u2212', '-');
  if (!/^[+-]?[0-9]{1,7}$/.test(plain)) return null;
  const pieces = Number(plain);
  if (Math.abs(pieces) > PIECES_MAX) return null;
  if (how === 'counted' ? pieces < 0 || plain.startsWith('-') : pieces === 0) return null;
  return pieces;
}
