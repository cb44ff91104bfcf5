import { lang, t } from '../lib/i18n';
import { formatMinor, timesExact } from '../lib/money';
import { basketLocked, nameOf, QUANTITY_MAX, type BasketLine } from '../lib/till';
import type { TillInfo } from '../lib/types';
import { Icon } from '../lib/ui';
import { dispatch, model } from './controller';

function Line({ line, info }: { line: BasketLine; info: TillInfo }) {
  const product = model.value.products.find((it) => it.id === line.product);
  const name = product ? nameOf(product, lang.value) : `#${line.product}`;
  const amount = product ? timesExact(product.price, line.quantity) : null;
  const locked = basketLocked(model.value);
  const set = (quantity: number) => dispatch({ type: 'quantity', product: line.product, quantity });
  return (
    <li class="line" data-testid={`line-${line.product}`}>
      <div class="line-name">
        <strong>{name}</strong>
        <span class="muted">{product ? formatMinor(product.price, info.unit.exponent) : '?'}</span>
      </div>
      <div class="stepper">
        <button
          aria-label={t('basket.less', { name })}
          data-testid={`less-${line.product}`}
          disabled={locked}
          onClick={() => set(line.quantity - 1)}
        >
          −
        </button>
        <input
          aria-label={t('basket.quantity', { name })}
          data-testid={`quantity-${line.product}`}
          inputMode="numeric"
          value={line.quantity}
          disabled={locked}
          onFocus={(event) => event.currentTarget.select()}
          onChange={(event) => {
            const typed = event.currentTarget.value.normalize('NFKC').trim();
            const quantity = /^[0-9]{1,4}$/.test(typed) ? Number(typed) : line.quantity;
            event.currentTarget.value = String(Math.min(quantity, QUANTITY_MAX));
            set(quantity);
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
    </li>
  );
}

export function Basket({ info }: { info: TillInfo }) {
  const { basket } = model.value;
  const count = basket.reduce((sum, line) => sum + line.quantity, 0);
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
          disabled={basket.length === 0 || basketLocked(model.value)}
          onClick={() => dispatch({ type: 'clear_basket' })}
        >
          {t('basket.clear')}
        </button>
      </header>
      {basket.length === 0 ? (
        <div class="empty">
          <Icon name="scan" />
          <p>{t('basket.empty')}</p>
        </div>
      ) : (
        <ul class="lines">
          {basket.map((line) => (
            <Line key={line.product} line={line} info={info} />
          ))}
        </ul>
      )}
    </section>
  );
}
