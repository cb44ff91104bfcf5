// The card: its entry by hand, its state, and what it has.
import { signal } from '@preact/signals';
import { lang, t, timeText, tOr } from '../lib/i18n';
import { formatMinor } from '../lib/money';
import { cardPurse, expiresSoon, hasPurse, nameIn, opensNext, unitsFigure } from '../lib/programme';
import { cardNumber } from '../lib/till';
import type { Card, CardPurse, PurseRule, TillInfo } from '../lib/types';
import { Icon, Money } from '../lib/ui';
import { dispatch, lookUp, model, now, reportCard, sellCard } from './controller';
import { AdjustButton, AdjustForm } from './adjust';
import { GiftButton, GiftForm } from './gift';
import { GiveBackButton } from './giveback';
import { HoldForm } from './hold';
import { MemberRow, MemberSearch } from './member';
import { PinChoice } from './pin';
import { VoucherFace, VoucherOffer } from './voucher';

const typedCard = signal('');
/** The report that was touched once, and for which card. */
const armed = signal<{ state: 'lost' | 'frozen'; account: number } | null>(null);

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
        maxLength={160}
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

/** Level and kind, by their names. */
function Standing({ card }: { card: Card }) {
  const { programme } = model.value;
  const level = programme?.levels.find((it) => it.id === card.level);
  const kind = programme?.card_kinds.find((it) => it.id === card.card_kind);
  return (
    <>
      {level && (
        <span class="badge level" data-testid="card-level" data-level={level.id}>
          {nameIn(level.name, lang.value)}
        </span>
      )}
      {kind && (
        <span class="badge" data-testid="card-kind" data-kind={kind.id}>
          {nameIn(kind.name, lang.value)}
        </span>
      )}
    </>
  );
}

/** One purse: what can be spent here, what lies elsewhere, what comes or goes soon, what is owed back. */
function Purse({ rule, has, info }: { rule: PurseRule; has: CardPurse; info: TillInfo }) {
  const figure = (units: number) => unitsFigure(rule, units, info.unit);
  const soon = expiresSoon(rule, has, info.business_date);
  const next = opensNext(rule, has, info.business_date);
  return (
    <li data-testid={`purse-${rule.id}`} data-here={has.here} data-elsewhere={has.elsewhere ?? ''}>
      <span class="purse-name">{nameIn(rule.name, lang.value)}</span>
      <strong class="money">{figure(has.here)}</strong>
      <small class="muted">{has.elsewhere ? t('card.more_elsewhere', { n: figure(has.elsewhere) }) : ''}</small>
      {soon && (
        <small class="soon" data-testid={`purse-soon-${rule.id}`} data-units={soon.units}>
          {t('card.expires', { n: figure(soon.units), date: soon.date })}
        </small>
      )}
      {next && <small class="muted">{t('card.opens', { n: figure(next.units), date: next.date })}</small>}
      {has.owed_back ? (
        <small class="owed" data-testid={`purse-owed-${rule.id}`}>
          {t('card.owed_back', { n: figure(has.owed_back) })}
        </small>
      ) : null}
    </li>
  );
}

function Purses({ card, info }: { card: Card; info: TillInfo }) {
  const { programme } = model.value;
  const rows = (programme?.purses ?? []).flatMap((rule) => {
    const has = cardPurse(card, rule.id);
    if (!has || !programme || !hasPurse(programme, card, rule.id)) return [];
    // An empty purse says nothing, but for points: their holder asks how many there are.
    const empty = has.held === 0 && !has.elsewhere && !has.owed_back && rule.kind !== 'points';
    return empty ? [] : [{ rule, has }];
  });
  if (rows.length === 0) return null;
  return (
    <ul class="purses" data-testid="purses">
      {rows.map((it) => (
        <Purse key={it.rule.id} {...it} info={info} />
      ))}
    </ul>
  );
}

/** What can be done with the card itself: sold when it is stock of this store, else reported. */
function CardLife({ card, info }: { card: Card; info: TillInfo }) {
  const busy = model.value.outbox.phase !== 'idle';
  const sale = card.for_sale;
  if (sale) {
    const amount = formatMinor(sale.price + sale.deposit, info.unit.exponent);
    return (
      <div class="card-life">
        <button class="button" data-testid="card-sell-cash" disabled={busy} onClick={() => sellCard('cash')}>
          {t('card.sell_cash', { amount })}
        </button>
        <button class="button" data-testid="card-sell-bank" disabled={busy} onClick={() => sellCard('bank')}>
          {t('card.sell_bank', { amount })}
        </button>
      </div>
    );
  }
  const choices = (['lost', 'frozen'] as const).filter(
    (it) => ['active', 'not_known_yet'].includes(card.status) || (it === 'lost' && card.status === 'frozen'),
  );
  function touch(state: 'lost' | 'frozen'): void {
    const sure = armed.value?.state === state && armed.value.account === card.account;
    armed.value = sure ? null : { state, account: card.account };
    if (sure) reportCard(state);
  }
  return (
    <div class="card-life">
      {choices.map((it) => (
        <button key={it} class="button quiet" data-testid={`card-report-${it}`} disabled={busy} onClick={() => touch(it)}>
          {armed.value?.state === it && armed.value.account === card.account
            ? t('card.confirm')
            : t(it === 'lost' ? 'card.report_lost' : 'card.freeze')}
        </button>
      ))}
      <GiveBackButton />
    </div>
  );
}

export function CardPanel({ info }: { info: TillInfo }) {
  const { card, looking, lastCard } = model.value;
  return (
    <section class={`panel card-panel ${card ? 'held' : ''}`} aria-label={t('card.title')} data-testid="card-panel">
      {card && (
        <>
          <div class="card-head">
            <Icon name="card" />
            <strong data-testid="card-masked">{card.card.masked}</strong>
            <Standing card={card.card} />
            <span
              class={`badge ${['active', 'not_known_yet'].includes(card.card.status) ? 'good' : 'bad'}`}
              data-testid="card-status"
            >
              {tOr('card.status.', card.card.replaced ? 'replaced' : card.card.status)}
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
          <VoucherOffer info={info} />
          <VoucherFace card={card.card} info={info} />
          {!card.card.voucher && <MemberRow number={card.number} account={card.card.account} />}
          <Balances
            here={card.card.here}
            elsewhere={card.card.elsewhere}
            asOf={card.card.elsewhere_as_of}
            info={info}
            prefix="card"
          />
          {card.card.owes ? (
            <p class="owed" data-testid="card-owes" data-minor={card.card.owes}>
              {t('card.owes', { amount: formatMinor(card.card.owes, info.unit.exponent) })}
            </p>
          ) : null}
          <Purses card={card.card} info={info} />
          {card.card.expires && (
            <p class="muted" data-testid="card-expires">
              {t('card.until', { date: card.card.expires })}
            </p>
          )}
          {!card.card.voucher && <CardLife card={card.card} info={info} />}
          {!card.card.voucher && <PinChoice card={card.card} />}
          {card.card.status === 'active' && !card.card.voucher && (
            <>
              <HoldForm
                info={info}
                more={
                  <>
                    <GiftButton card={card.card} />
                    <AdjustButton card={card.card} />
                  </>
                }
              />
              <GiftForm card={card.card} info={info} />
              <AdjustForm card={card.card} info={info} />
            </>
          )}
        </>
      )}
      {!card && (
        <>
          <p class="card-hint" aria-live="polite">
            <Icon name="card" />
            {looking ? t('card.looking') : t('card.swipe')}
          </p>
          <CardEntry />
          <MemberSearch />
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
