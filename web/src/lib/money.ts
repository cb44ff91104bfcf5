// Amounts are integers in minor units. No floating point is ever used to read, add up or show one.

/** Largest amount a person may type: 12 digits of minor units. Sums of 200 such lines stay exact. */
export const TYPED_MAX = 999_999_999_999;

export type ParsedAmount =
  { ok: true; minor: number } | { ok: false; why: 'empty' | 'form' | 'decimals' | 'range' };

/** Reads "12.5" as 1250 for exponent 2. Refuses signs, grouping, exponents, a comma and too many decimals. */
export function parseAmount(text: string, exponent: number): ParsedAmount {
  // Input methods of Chinese and Korean keyboards produce full-width digits; NFKC makes them plain.
  const plain = text.normalize('NFKC').trim();
  if (plain === '') return { ok: false, why: 'empty' };
  const match = /^([0-9]{1,15})(?:\.([0-9]{1,15}))?$/.exec(plain);
  if (!match) return { ok: false, why: 'form' };
  const whole = match[1] ?? '';
  const decimals = match[2] ?? '';
  if (decimals.length > exponent) return { ok: false, why: 'decimals' };
  const digits = (whole + decimals.padEnd(exponent, '0')).replace(/^0+(?=.)/, '');
  if (digits.length > 12) return { ok: false, why: 'range' };
  const minor = Number(digits);
  if (minor === 0 || minor > TYPED_MAX) return { ok: false, why: 'range' };
  return { ok: true, minor };
}

/** "1,234.50" for 123450 and exponent 2. A number that is not an exact integer is shown as "?", never rounded. */
export function formatMinor(minor: number, exponent: number): string {
  if (!Number.isSafeInteger(minor)) return '?';
  const digits = String(Math.abs(minor)).padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent).replace(/\B(?=(?:[0-9]{3})+$)/g, ',');
  const decimals = exponent > 0 ? '.' + digits.slice(digits.length - exponent) : '';
  return (minor < 0 ? '\u2212' : '') + whole + decimals;
}

/** Sum of a product, or null when it would no longer be exact. */
export function timesExact(price: number, quantity: number): number | null {
  const amount = price * quantity;
  return Number.isSafeInteger(amount) ? amount : null;
}

/** The amounts on the top-up buttons, in minor units: useful bank notes for the unit's exponent. */
export function topUpPresets(exponent: number): number[] {
  const notes = exponent === 0 ? [5_000, 10_000, 30_000, 50_000] : [50, 100, 200, 500];
  return notes.map((note) => note * 10 ** exponent);
}
