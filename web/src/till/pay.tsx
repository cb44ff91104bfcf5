import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t, timeText, tOr } from '../lib/i18n';
import { formatMinor, parseAmount, topUpPresets } from '../lib/money';
import { basketTotal, cardNumber, tendersFor } from '../lib/till';
import type { TillInfo } from '../lib/types';
import { Icon, Money } from '../lib/ui';
import { dispatch, lookUp, model, now, pay, topUp } from './controller';

const typedCard = signal('');
const typedAmount = signal('');
const tender = signal<'cash' | 'bank'>('cash');

function CardEntry() {
  function submit(event: Event): void {
    event.preventDefault();
    const number = cardNumber(typedCard.value);
    if (!number) {
      dispatch({ type: 'notice', notice: { tone: 'error', type: 'text', key: 'card.bad_number' } });
      return;
    }
    typedCard.value = '';
    void lookUp(number);
  }
  return (
    <form class="card-entry" onSubmit={submit}>
      <input
        id="card-number"
        data-testid="card-number"
        inputMode="numeric"
        autocomplete="off"
        aria-label={t('card.number')}
        placeholder={`${t('card.number')}  F4`}
        maxLength={32}
        value={typedCard.value}
        onInput={(event) => (typedCard.value = event.currentTarget.value)}
      />
      <button class="button" data-testid="card-lookup">
        {t('card.look_up')}
      </button>
    </form>
  );
}

function Balances({
  here,
  elsewhere,
  asOf,
  info,
  prefix,
}: {
  here: number;
  elsewhere: number | null;
  asOf: number | null;
  info: TillInfo;
  prefix: string;
}) {
  return (
    <dl class="balances">
      <div class="here">
        <dt>{t('card.here')}</dt>
        <dd>
          <Money minor={here} unit={info.unit} code testid={`${prefix}-here`} />
        </dd>
      </div>
      <div>
        <dt>{t('card.elsewhere')}</dt>
        <dd>
          {elsewhere === null ? (
            <span class="muted" data-testid={`${prefix}-elsewhere`}>
              {t('card.never_told')}
            </span>
          ) : (
            <Money minor={elsewhere} unit={info.unit} testid={`${prefix}-elsewhere`} />
          )}
          {asOf !== null && <small class="muted"> {t('card.as_of', { time: timeText(asOf, now.value) })}</small>}
        </dd>
      </div>
    </dl>
  );
}

function CardPanel({ info }: { info: TillInfo }) {
  const { card, looking, lastCard } = model.value;
  return (
    <section class={`panel card-panel ${card ? 'held' : ''}`} aria-label={t('card.title')} data-testid="card-panel">
      {card && (
        <>
          <div class="card-head">
            <Icon name="card" />
            <strong data-testid="card-masked">{card.card.masked}</strong>
            <span class={`badge ${['active', 'not_known_yet'].includes(card.card.status) ? 'good' : 'bad'}`} data-testid="card-status">
              {tOr('card.status.', card.card.status)}
            </span>
            <button
              class="icon-button"
              aria-label={t('card.remove')}
              data-testid="card-remove"
              onClick={() => dispatch({ type: 'card', card: null })}
            >
              <Icon name="close" />
            </button>
          </div>
          <Balances
            here={card.card.here}
            elsewhere={card.card.elsewhere}
            asOf={card.card.elsewhere_as_of}
            info={info}
            prefix="card"
          />
        </>
      )}
      {!card && (
        <>
          <p class="card-hint" aria-live="polite">
            <Icon name="card" />
            {looking ? t('card.looking') : t('card.swipe')}
          </p>
          <CardEntry />
          {lastCard && (
            <p class="last-card muted" data-testid="last-card">
              {t('card.last', { masked: lastCard.masked })} · {t('card.here')}{' '}
              <Money minor={lastCard.here} unit={info.unit} testid="last-here" />
            </p>
          )}
        </>
      )}
    </section>
  );
}

function PayPanel({ info }: { info: TillInfo }) {
  const { card, outbox } = model.value;
  const total = basketTotal(model.value);
  const idle = outbox.phase === 'idle';
  const [byCard, byCash, split] = [
    tendersFor(model.value, 'card'),
    tendersFor(model.value, 'cash'),
    tendersFor(model.value, 'split'),
  ];
  const money = (minor: number | undefined) => formatMinor(minor ?? 0, info.unit.exponent);
  const short = card && total !== null ? total - card.card.here : 0;
  return (
    <section class="panel pay-panel" aria-label={t('pay.total')}>
      <div class="total" aria-live="polite" aria-atomic="true">
        <span>{t('pay.total')}</span>
        <output data-testid="total" data-minor={total ?? ''}>
          {total === null ? '?' : money(total)} <small>{info.unit.code}</small>
        </output>
      </div>
      <div class="pay-buttons">
        <button
          class="button pay pay-card"
          data-testid="pay-card"
          disabled={!byCard || !idle}
          onClick={() => pay('card')}
        >
          <Icon name="card" />
          <span>
            {t('pay.card')}
            {!card && total ? <small>{t('pay.no_card')}</small> : null}
            {card && total && short > 0 ? <small>{t('pay.short', { amount: money(short) })}</small> : null}
          </span>
          <kbd>F8</kbd>
        </button>
        <button
          class="button pay pay-cash"
          data-testid="pay-cash"
          disabled={!byCash || !idle}
          onClick={() => pay('cash')}
        >
          <Icon name="cash" />
          <span>{t('pay.cash')}</span>
          <kbd>F9</kbd>
        </button>
        <button class="button pay" data-testid="pay-split" disabled={!split || !idle} onClick={() => pay('split')}>
          <Icon name="split" />
          <span>
            {t('pay.split')}
            {split && (
              <small>{t('pay.split_how', { card: money(split[0]?.amount), cash: money(split[1]?.amount) })}</small>
            )}
          </span>
          {!split && <kbd>F10</kbd>}
        </button>
      </div>
    </section>
  );
}

function TopUp({ info }: { info: TillInfo }) {
  const { exponent } = info.unit;
  const parsed = parseAmount(typedAmount.value, exponent);
  const ready = parsed.ok && model.value.card !== null && model.value.outbox.phase === 'idle' && !info.blocked;
  const held = model.value.card !== null;
  // An amount meant for one card must not wait for the next one.
  useEffect(() => {
    if (!held) typedAmount.value = '';
  }, [held]);
  const problem = parsed.ok || parsed.why === 'empty' ? '' : t(`amount.bad.${parsed.why}`);
  function commit(event: Event): void {
    event.preventDefault();
    if (!parsed.ok || !ready) return;
    typedAmount.value = '';
    topUp(parsed.minor, tender.value);
  }
  return (
    <form class="panel topup" aria-label={t('topup.title')} onSubmit={commit}>
      <header class="panel-head">
        <h2>{t('topup.title')}</h2>
        <div class="segments" role="radiogroup" aria-label={t('topup.tender')}>
          {(['cash', 'bank'] as const).map((kind) => (
            <button
              key={kind}
              type="button"
              role="radio"
              aria-checked={tender.value === kind}
              data-testid={`topup-tender-${kind}`}
              onClick={() => (tender.value = kind)}
            >
              {t(`topup.${kind}`)}
            </button>
          ))}
        </div>
      </header>
      <div class="presets">
        {topUpPresets(exponent).map((minor) => {
          const plain = formatMinor(minor, exponent).replace(/,/g, '');
          const short = plain.replace(/\.0+$/, '');
          return (
            <button
              key={minor}
              type="button"
              class="button"
              data-testid={`topup-${short}`}
              aria-pressed={typedAmount.value === plain}
              onClick={() => (typedAmount.value = plain)}
            >
              {short}
            </button>
          );
        })}
        <input
          data-testid="topup-amount"
          inputMode="decimal"
          autocomplete="off"
          aria-label={t('topup.amount')}
          placeholder={t('topup.amount')}
          aria-invalid={problem !== ''}
          aria-describedby="topup-problem"
          value={typedAmount.value}
          onInput={(event) => (typedAmount.value = event.currentTarget.value)}
        />
        <button class="button primary" data-testid="topup-commit" disabled={!ready}>
          {!model.value.card
            ? t('pay.no_card')
            : parsed.ok
              ? t('topup.commit', { amount: formatMinor(parsed.minor, exponent) })
              : t('topup.choose')}
        </button>
      </div>
      <p class="problem" id="topup-problem" role="alert" data-testid="topup-problem">
        {problem}
      </p>
    </form>
  );
}

export function PayColumn({ info }: { info: TillInfo }) {
  return (
    <div class="pay-column">
      <CardPanel info={info} />
      <PayPanel info={info} />
      <TopUp info={info} />
    </div>
  );
}
