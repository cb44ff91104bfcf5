// Below the basket: what the programme takes off it and gives for it, and what of the card is to help paying.
import { bill, memberCard, nearQuote } from '../lib/bill';
import { lang, t } from '../lib/i18n';
import { formatMinor } from '../lib/money';
import { buttonStep, mostUnits, nameIn, unitsFigure, unitsList, unitStep, usablePurses } from '../lib/programme';
import { basketLocked, freeUnits } from '../lib/till';
import type { PurseRule, Quote, TillInfo } from '../lib/types';
import { Icon, NumberField } from '../lib/ui';
import { addByEan, dispatch, model } from './controller';

function Use({ rule, quote, info }: { rule: PurseRule; quote: Quote | null; info: TillInfo }) {
  const name = nameIn(rule.name, lang.value);
  const units = model.value.uses.find((it) => it.purse === rule.id)?.units ?? 0;
  const amount = units > 0 ? (quote?.uses.find((it) => it.purse === rule.id)?.amount ?? 0) : 0;
  const free = freeUnits(model.value, rule.id);
  const most = (available: number): number => (quote ? mostUnits(rule, quote, available) : 0);
  const [limit, here] = [most(freeUnits(model.value, rule.id, true)), most(free)];
  const locked = basketLocked(model.value);
  const set = (wanted: number) => {
    const bounded = Math.max(0, Math.min(wanted, limit));
    dispatch({ type: 'use', purse: rule.id, units: bounded - (bounded % unitStep(rule)) });
  };
  const step = buttonStep(rule);
  const hint =
    rule.min_total && limit === 0
      ? t('uses.from', { amount: formatMinor(rule.min_total, info.unit.exponent) })
      : t('uses.here', { n: unitsFigure(rule, free, info.unit) });
  const testid = (part: string): string => `use-${part}-${rule.id}`;
  return (
    <li class={`use ${rule.kind}`} data-testid={`use-${rule.id}`} data-units={units} data-minor={amount}>
      <span class="use-name">
        <strong>{name}</strong>
        <small class="muted">{hint}</small>
      </span>
      <span class="money use-amount">{amount > 0 ? formatMinor(-amount, info.unit.exponent) : ''}</span>
      <div class="stepper">
        <button
          aria-label={t('uses.less', { name })}
          data-testid={testid('less')}
          disabled={locked || units === 0}
          onClick={() => set(units - step)}
        >
          −
        </button>
        <NumberField
          value={units}
          label={t('uses.units', { name })}
          testid={testid('units')}
          disabled={locked || (limit === 0 && units === 0)}
          commit={(text) => {
            // As many digits as a barcode has are one, from a scanner that types like a keyboard.
            if (/^[0-9]{1,7}$/.test(text)) set(Number(text));
            else addByEan(text);
          }}
        />
        <button
          aria-label={t('uses.more', { name })}
          data-testid={testid('more')}
          disabled={locked || units >= limit}
          onClick={() => set(units + step)}
        >
          +
        </button>
      </div>
      {rule.kind !== 'voucher' && (
        <button
          class="button"
          data-testid={testid('most')}
          disabled={locked || here === 0 || units === here}
          onClick={() => set(here)}
        >
          {t('uses.most')}
        </button>
      )}
    </li>
  );
}

function Sums({ quote, info }: { quote: Quote; info: TillInfo }) {
  const money = (minor: number) => formatMinor(minor, info.unit.exponent);
  return (
    <dl class="sums">
      <div>
        <dt>{t('basket.prices')}</dt>
        <dd class="money" data-testid="prices" data-minor={quote.gross}>
          {money(quote.gross)}
        </dd>
      </div>
      {quote.discount > 0 && (
        <div class="off">
          <dt>{t('basket.discount')}</dt>
          <dd class="money" data-testid="discount" data-minor={quote.discount}>
            {money(-quote.discount)}
          </dd>
        </div>
      )}
    </dl>
  );
}

export function BasketFoot({ info }: { info: TillInfo }) {
  const { programme, basket, card, uses } = model.value;
  const quote = nearQuote(model.value);
  const rules =
    basket.length > 0 && memberCard(model.value) ? usablePurses(programme, card?.card ?? null, uses) : [];
  const reduced = quote !== null && basket.length > 0 && (quote.discount > 0 || quote.uses.length > 0);
  const earned = basket.length > 0 && quote ? unitsList(programme, quote.earned, info.unit, lang.value) : '';
  if (rules.length === 0 && !reduced && earned === '') return null;
  return (
    <footer class="basket-foot" data-testid="basket-foot" data-state={bill(model.value).state}>
      {reduced && <Sums quote={quote} info={info} />}
      {rules.length > 0 && (
        <ul class="uses" aria-label={t('uses.title')}>
          {rules.map((rule) => (
            <Use key={rule.id} rule={rule} quote={quote} info={info} />
          ))}
        </ul>
      )}
      {earned !== '' && (
        <p class="earns" data-testid="earns">
          <Icon name="gift" />
          {t('basket.earns', { what: earned })}
        </p>
      )}
    </footer>
  );
}
