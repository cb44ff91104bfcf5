import { bill, nearQuote, tendersFor } from '../lib/bill';
import { lang, t } from '../lib/i18n';
import { formatMinor } from '../lib/money';
import { unitsList } from '../lib/programme';
import type { TillInfo } from '../lib/types';
import { Icon } from '../lib/ui';
import { CardPanel } from './card';
import { model, pay } from './controller';
import { TopUp } from './topup';

function PayPanel({ info }: { info: TillInfo }) {
  const { card, outbox, payWish, programme } = model.value;
  const { due: total, state, cardMax, cardGoods } = bill(model.value);
  const quote = nearQuote(model.value);
  const idle = outbox.phase === 'idle' && payWish === null;
  const [byCard, byCash, split] = [
    tendersFor(model.value, 'card'),
    tendersFor(model.value, 'cash'),
    tendersFor(model.value, 'split'),
  ];
  const money = (minor: number | undefined) => formatMinor(minor ?? 0, info.unit.exponent);
  const short = card && total !== null ? total - cardMax : 0;
  const free = byCard?.length === 0;
  const bonus = card && quote ? unitsList(programme, quote.bonus, info.unit, lang.value) : '';
  return (
    <section class="panel pay-panel" aria-label={t('pay.total')}>
      <div class="total" aria-live="polite" aria-atomic="true">
        <span>{t('pay.total')}</span>
        <output data-testid="total" data-minor={total ?? ''} data-state={state}>
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
            {free ? <small>{t('pay.free')}</small> : null}
            {card && bonus !== '' && <small data-testid="pay-bonus">{t('pay.bonus', { what: bonus })}</small>}
            {card && total && short > 0 && cardGoods === undefined ? (
              <small>{t('pay.short', { amount: money(short) })}</small>
            ) : null}
            {cardGoods !== undefined && (
              <small data-testid="pay-goods">{t('pay.goods', { amount: money(cardGoods) })}</small>
            )}
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

export function PayColumn({ info }: { info: TillInfo }) {
  return (
    <div class="pay-column">
      <CardPanel info={info} />
      <PayPanel info={info} />
      <TopUp info={info} />
    </div>
  );
}
