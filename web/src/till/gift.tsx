// A gift of one member to another: money or units of the held card, to a card whose number is typed. As much as the rules
// let one card give in a day.
import { signal } from '@preact/signals';
import { lang, t } from '../lib/i18n';
import { parseAmount } from '../lib/money';
import { hasPurse, nameIn, PAID } from '../lib/programme';
import { cardNumber } from '../lib/till';
import type { Card, TillInfo } from '../lib/types';
import { give, model } from './controller';

const typed = signal('');
const to = signal('');
const chosen = signal(0);
const open = signal(false);

interface Choice {
  id: number;
  name: string;
  money: boolean;
}

/** What this card may give: paid money first, then its purses. */
function choices(card: Card): Choice[] {
  const { programme } = model.value;
  if (!programme) return [];
  const money = programme.gift_per_day ? [{ id: PAID, name: t('gift.money'), money: true }] : [];
  const units = programme.purses
    .filter((it) => it.gift_per_day && hasPurse(programme, card, it.id))
    .map((it) => ({ id: it.id, name: nameIn(it.name, lang.value), money: it.kind === 'bonus' }));
  return [...money, ...units];
}

/** Opens and closes the form; nothing when the rules let nobody give. */
export function GiftButton({ card }: { card: Card }) {
  if (choices(card).length === 0) return null;
  return (
    <button
      type="button"
      class="button quiet"
      data-testid="gift-open"
      aria-label={t('gift.title')}
      title={t('gift.title')}
      aria-expanded={open.value}
      onClick={() => (open.value = !open.value)}
    >
      →
    </button>
  );
}

export function GiftForm({ card, info }: { card: Card; info: TillInfo }) {
  const list = choices(card);
  if (!open.value || list.length === 0) return null;
  const { outbox, card: held } = model.value;
  const choice = list.find((it) => it.id === chosen.value) ?? list[0]!;
  const parsed = parseAmount(typed.value, choice.money ? info.unit.exponent : 0);
  const receiver = cardNumber(to.value);
  const other = receiver !== null && receiver !== held?.number;
  const ready = parsed.ok && other && outbox.phase === 'idle' && !info.blocked;
  function submit(event: Event): void {
    event.preventDefault();
    if (!parsed.ok || !ready || !receiver) return;
    give(receiver, choice.id, parsed.minor);
    typed.value = '';
    to.value = '';
    open.value = false;
  }
  return (
    <form onSubmit={submit}>
      <div class="card-entry">
        <select
          data-testid="gift-purse"
          aria-label={t('gift.what')}
          value={String(choice.id)}
          onChange={(event) => (chosen.value = Number(event.currentTarget.value))}
        >
          {list.map((it) => (
            <option key={it.id} value={String(it.id)}>
              {it.name}
            </option>
          ))}
        </select>
        <input
          data-testid="gift-units"
          inputMode="decimal"
          autocomplete="off"
          aria-label={t('gift.how_much')}
          placeholder={t('gift.how_much')}
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
      </div>
      <div class="card-entry">
        <input
          data-testid="gift-to"
          inputMode="numeric"
          autocomplete="off"
          maxLength={32}
          aria-label={t('gift.to')}
          placeholder={t('gift.to')}
          value={to.value}
          onInput={(event) => (to.value = event.currentTarget.value)}
        />
        <button class="button" data-testid="gift-commit" disabled={!ready}>
          {t('gift.commit')}
        </button>
      </div>
    </form>
  );
}
