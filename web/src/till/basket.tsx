import { isEmpty, nearQuote, type GiftLine } from '../lib/bill';
import { lang, t } from '../lib/i18n';
import { formatMinor, parseAmount, timesExact } from '../lib/money';
import { nameIn, purseRule, unitsText } from '../lib/programme';
import { basketCount, basketLocked, freeUnits, nameOf, type BasketLine } from '../lib/till';
import type { QuoteLine, TillInfo } from '../lib/types';
import { Icon, NumberField } from '../lib/ui';
import { BasketFoot } from './basket_foot';
import { addByEan, dispatch, model } from './controller';

/** What the node takes off a line, and why. */
function Discount({ of, info }: { of: QuoteLine | undefined; info: TillInfo }) {
  if (!of || of.discount === 0) return null;
  const rule = model.value.programme?.discounts.find((it) => it.id === of.rule);
  return (
    <p class="line-discount" data-testid={`discount-${of.product}`} data-minor={of.discount}>
      <span>{rule ? nameIn(rule.name, lang.value) : t('basket.discount')}</span>
      <span class="money">{formatMinor(-of.discount, info.unit.exponent)}</span>
    </p>
  );
}

function Line({ line, info }: { line: BasketLine; info: TillInfo }) {
  const product = model.value.products.find((it) => it.id === line.product);
  const name = product ? nameOf(product, lang.value) : `#${line.product}`;
  const quoted = nearQuote(model.value)?.lines.find((it) => it.product === line.product);
  const own = product ? timesExact(product.price, line.quantity) : null;
  const amount = quoted?.quantity === line.quantity ? quoted.gross : own;
  const locked = basketLocked(model.value);
  const open = product?.open === true;
  const set = (quantity: number) => dispatch({ type: 'quantity', product: line.product, quantity });
  return (
    <li class="line" data-testid={`line-${line.product}`}>
      <div class="line-name">
        <strong>{name}</strong>
        {!open && <span class="muted">{product ? formatMinor(product.price, info.unit.exponent) : '?'}</span>}
      </div>
      {open ? (
        <div class="stepper">
          <NumberField
            value={formatMinor(line.quantity, info.unit.exponent).replace(/,/g, '')}
            label={t('basket.amount', { name })}
            testid={`quantity-${line.product}`}
            disabled={locked}
            commit={(text) => {
              const typed = parseAmount(text, info.unit.exponent);
              if (typed.ok) set(typed.minor);
              else addByEan(text);
            }}
          />
        </div>
      ) : (
      <div class="stepper">
        <button
          aria-label={t('basket.less', { name })}
          data-testid={`less-${line.product}`}
          disabled={locked}
          onClick={() => set(line.quantity - 1)}
        >
          −
        </button>
        <NumberField
          value={line.quantity}
          label={t('basket.quantity', { name })}
          testid={`quantity-${line.product}`}
          disabled={locked}
          commit={(text) => {
            // As many digits as a barcode has are one, from a scanner that types like a keyboard.
            if (/^[0-9]{1,4}$/.test(text)) set(Number(text));
            else addByEan(text);
          }}
        />
        <button
          aria-label={t('basket.more', { name })}
          data-testid={`more-${line.product}`}
          disabled={locked}
          onClick={() => set(line.quantity + 1)}
        >
          +
        </button>
      </div>
      )}
      <span class="line-amount money">{amount === null ? '?' : formatMinor(amount, info.unit.exponent)}</span>
      <button
        class="icon-button"
        aria-label={t('basket.remove', { name })}
        data-testid={`remove-${line.product}`}
        disabled={locked}
        onClick={() => set(0)}
      >
        <Icon name="close" />
      </button>
      <Discount of={quoted} info={info} />
    </li>
  );
}

/** Pieces that units of the card pay. */
function Gift({ gift, info }: { gift: GiftLine; info: TillInfo }) {
  const product = model.value.products.find((it) => it.id === gift.product);
  const name = product ? nameOf(product, lang.value) : `#${gift.product}`;
  const rule = purseRule(model.value.programme, gift.purse);
  const each = rule?.gifts.find((it) => it.product === gift.product)?.units ?? 0;
  const locked = basketLocked(model.value);
  const id = `${gift.purse}-${gift.product}`;
  const set = (quantity: number) => dispatch({ type: 'gift', purse: gift.purse, product: gift.product, quantity });
  return (
    <li class="line gift-line" data-testid={`gift-line-${id}`} data-quantity={gift.quantity}>
      <div class="line-name">
        <strong>{name}</strong>
        <span class="badge good">{t('basket.gift')}</span>
      </div>
      <div class="stepper">
        <button
          aria-label={t('basket.less', { name })}
          data-testid={`gift-less-${id}`}
          disabled={locked}
          onClick={() => set(gift.quantity - 1)}
        >
          −
        </button>
        <output>{gift.quantity}</output>
        <button
          aria-label={t('basket.more', { name })}
          data-testid={`gift-more-${id}`}
          disabled={locked || freeUnits(model.value, gift.purse, true) < each}
          onClick={() => set(gift.quantity + 1)}
        >
          +
        </button>
      </div>
      <span class="line-amount line-units">{unitsText(rule, each * gift.quantity, info.unit, lang.value)}</span>
      <button
        class="icon-button"
        aria-label={t('basket.remove', { name })}
        data-testid={`gift-remove-${id}`}
        disabled={locked}
        onClick={() => set(0)}
      >
        <Icon name="close" />
      </button>
    </li>
  );
}

export function Basket({ info }: { info: TillInfo }) {
  const { basket, gifts } = model.value;
  const empty = isEmpty(model.value);
  const count = basketCount(model.value);
  return (
    <section class="panel basket" aria-label={t('basket.title')} data-testid="basket">
      <header class="panel-head">
        <h2>{t('basket.title')}</h2>
        <span class="muted" data-testid="basket-count">
          {count > 0 ? t('basket.items', { n: count }) : ''}
        </span>
        <button
          class="button quiet"
          data-testid="basket-clear"
          disabled={empty || basketLocked(model.value)}
          onClick={() => dispatch({ type: 'clear_basket' })}
        >
          {t('basket.clear')}
        </button>
      </header>
      {empty ? (
        <div class="empty">
          <Icon name="scan" />
          <p>{t('basket.empty')}</p>
        </div>
      ) : (
        <ul class="lines">
          {basket.map((line) => (
            <Line key={line.product} line={line} info={info} />
          ))}
          {gifts.map((gift) => (
            <Gift key={`g${gift.purse}-${gift.product}`} gift={gift} info={info} />
          ))}
        </ul>
      )}
      <BasketFoot info={info} />
    </section>
  );
}
