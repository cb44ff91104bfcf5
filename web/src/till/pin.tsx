// The card's PIN: asked for by the node, and chosen. What is typed is held nowhere but in the field, and not after it.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { hasKey, t, type Key } from '../lib/i18n';
import { formatMinor } from '../lib/money';
import { asksForPin, isPin } from '../lib/pin';
import type { Card, Refusal, TillInfo } from '../lib/types';
import { answerPin, hasNoPin, mayAnswerPin, model, payWithoutPin, pinProblem, setPin, splitWithoutPin } from './controller';

const asked = signal('');
const chosen = signal({ account: 0, pin: '', again: '', old: '' });
/** The card whose form is open. */
const choosing = signal<number | null>(null);

interface Field {
  id: string;
  label: Key;
  value: string;
  input: (text: string) => void;
}

export function PinField({ id, label, value, input }: Field) {
  return (
    <input
      data-testid={id}
      type="password"
      inputMode="numeric"
      autocomplete="off"
      maxLength={12}
      aria-label={t(label)}
      placeholder={t(label)}
      value={value}
      onInput={(event) => input(event.currentTarget.value.normalize('NFKC').trim())}
    />
  );
}

/** Beside a refusal for want of the PIN: type it, and the same is asked for again. */
export function PinAsked({ refusal, info }: { refusal: Refusal; info: TillInfo }) {
  return (
    <>
      {asksForPin(refusal) && mayAnswerPin() && !hasNoPin() && (
        <PinTyped refusal={refusal} info={info} />
      )}
      <LessWithoutPin refusal={refusal} info={info} />
    </>
  );
}

/** "20.00 by card and the rest in cash", which needs no PIN. */
function LessWithoutPin({ refusal, info }: { refusal: Refusal; info: TillInfo }) {
  const split = splitWithoutPin(refusal);
  if (!split || model.value.outbox.phase !== 'idle') return null;
  const [card = '', cash = ''] = split.map((it) => formatMinor(it.amount, info.unit.exponent));
  return (
    <button class="button" data-testid="pin-rest-cash" onClick={() => payWithoutPin(split)}>
      {t('pay.rest_cash', { card, cash })}
    </button>
  );
}

function PinTyped({ refusal, info }: { refusal: Refusal; info: TillInfo }) {
  // Half a PIN is not left to the next customer.
  useEffect(() => () => void (asked.value = ''), []);
  const ready = isPin(asked.value) && model.value.outbox.phase === 'idle';
  function submit(event: Event): void {
    event.preventDefault();
    if (!ready) return;
    const pin = asked.value;
    asked.value = '';
    answerPin(pin);
  }
  return (
    <form class="card-entry" onSubmit={submit} data-testid="pin-asked">
      <PinField id="pin-typed" label="pin.type" value={asked.value} input={(text) => (asked.value = text)} />
      <button class="button primary" data-testid="pin-commit" disabled={!ready}>
        {t('pin.commit')}
      </button>
      {refusal.without_pin ? (
        <small class="muted" data-testid="pin-without">
          {t('pin.without', { amount: formatMinor(refusal.without_pin, info.unit.exponent) })}
        </small>
      ) : null}
    </form>
  );
}

function problemText(): string {
  const { value } = pinProblem;
  if (value === null) return '';
  if (value.tries_left !== undefined) return t('pin.tries', { n: value.tries_left });
  if (value.error === 'pin_required') return t('pin.cannot');
  const key = `error.${value.error}`;
  return hasKey(key) ? t(key) : t('error.other', { error: value.error });
}

/** Beside the card: a PIN for a card that has none, another one with the old. */
export function PinChoice({ card }: { card: Card }) {
  const kind = model.value.programme?.card_kinds.find((it) => it.id === card.card_kind);
  const used = card.pin?.set || (kind?.pin_above ?? null) !== null || (kind?.pin_above_day ?? null) !== null;
  if (!card.pin || !used || card.status !== 'active') return null;
  const { set, tries_left: left } = card.pin;
  if (choosing.value !== card.account) {
    return (
      <div class="card-life">
        <button
          class="button quiet"
          data-testid="pin-open"
          onClick={() => {
            choosing.value = card.account;
            pinProblem.value = null;
            chosen.value = { account: card.account, pin: '', again: '', old: '' };
          }}
        >
          {t(set ? 'pin.change' : 'pin.choose')}
        </button>
        {set && left === 0 && <small class="muted">{t('pin.locked_here')}</small>}
      </div>
    );
  }
  return <PinForm card={card} set={set} />;
}

function PinForm({ card, set }: { card: Card; set: boolean }) {
  useEffect(
    () => () => {
      choosing.value = null;
      chosen.value = { account: 0, pin: '', again: '', old: '' };
    },
    [],
  );
  const form = chosen.value;
  const change = (part: Partial<typeof form>) => (chosen.value = { ...form, ...part });
  const ready =
    isPin(form.pin) && form.pin === form.again && (!set || isPin(form.old)) && model.value.outbox.phase === 'idle';
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (!ready) return;
    chosen.value = { account: card.account, pin: '', again: '', old: '' };
    if (await setPin(form.pin, set ? form.old : undefined)) choosing.value = null;
  }
  return (
    <form class="pin-form" onSubmit={(event) => void submit(event)} data-testid="pin-form">
      {set && <PinField id="pin-old" label="pin.old" value={form.old} input={(text) => change({ old: text })} />}
      <PinField id="pin-new" label="pin.new" value={form.pin} input={(text) => change({ pin: text })} />
      <PinField id="pin-again" label="pin.again" value={form.again} input={(text) => change({ again: text })} />
      <button class="button" data-testid="pin-set" disabled={!ready}>
        {t('pin.set')}
      </button>
      <button class="button quiet" type="button" data-testid="pin-cancel" onClick={() => (choosing.value = null)}>
        {t('pin.cancel')}
      </button>
      <p class="problem" role="alert" data-testid="pin-problem">
        {problemText()}
      </p>
    </form>
  );
}
