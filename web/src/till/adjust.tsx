// Units of a card by hand: given or taken, with a reason. Only for purses that the rules allow.
import { signal } from '@preact/signals';
import { lang, t } from '../lib/i18n';
import { parseAmount } from '../lib/money';
import { hasPurse, nameIn } from '../lib/programme';
import type { Card, PurseRule, TillInfo } from '../lib/types';
import { adjust, model } from './controller';

const REASON_BYTES_MAX = 200;
const typed = signal('');
const reason = signal('');
const chosen = signal(0);
const open = signal(false);

/** Purses of this card that may be changed by hand. */
function purses(card: Card): PurseRule[] {
  const { programme } = model.value;
  return (programme?.purses ?? []).filter((it) => it.manual_per_day && programme && hasPurse(programme, card, it.id));
}

/** Opens and closes the form; nothing when no purse is changed by hand. */
export function AdjustButton({ card }: { card: Card }) {
  if (purses(card).length === 0) return null;
  return (
    <button
      type="button"
      class="button quiet"
      data-testid="adjust-open"
      aria-label={t('adjust.title')}
      title={t('adjust.title')}
      aria-expanded={open.value}
      onClick={() => (open.value = !open.value)}
    >
      ±
    </button>
  );
}

export function AdjustForm({ card, info }: { card: Card; info: TillInfo }) {
  const list = purses(card);
  if (!open.value || list.length === 0) return null;
  const { outbox } = model.value;
  const purse = list.find((it) => it.id === chosen.value) ?? list[0]!;
  const parsed = parseAmount(typed.value, purse.kind === 'bonus' ? info.unit.exponent : 0);
  const why = reason.value.trim();
  const fits = why !== '' && new TextEncoder().encode(why).length <= REASON_BYTES_MAX;
  const ready = parsed.ok && fits && outbox.phase === 'idle' && !info.blocked;
  function submit(sign: 1 | -1): void {
    if (!parsed.ok || !ready) return;
    adjust(purse.id, sign * parsed.minor, why);
    typed.value = '';
    reason.value = '';
    open.value = false;
  }
  return (
    <>
      <div class="card-entry">
        <select
          data-testid="adjust-purse"
          aria-label={t('adjust.purse')}
          value={String(purse.id)}
          onChange={(event) => (chosen.value = Number(event.currentTarget.value))}
        >
          {list.map((it) => (
            <option key={it.id} value={String(it.id)}>
              {nameIn(it.name, lang.value)}
            </option>
          ))}
        </select>
        <input
          data-testid="adjust-units"
          inputMode="decimal"
          autocomplete="off"
          aria-label={t('adjust.units')}
          placeholder={t('adjust.units')}
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
      </div>
      <div class="card-entry">
        <input
          data-testid="adjust-reason"
          autocomplete="off"
          aria-label={t('adjust.reason')}
          placeholder={t('adjust.reason')}
          maxLength={REASON_BYTES_MAX}
          value={reason.value}
          onInput={(event) => (reason.value = event.currentTarget.value)}
        />
        <button type="button" class="button" data-testid="adjust-give" disabled={!ready} onClick={() => submit(1)}>
          {t('adjust.give')}
        </button>
        <button type="button" class="button" data-testid="adjust-take" disabled={!ready} onClick={() => submit(-1)}>
          {t('adjust.take')}
        </button>
      </div>
    </>
  );
}
