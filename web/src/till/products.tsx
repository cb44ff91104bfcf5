import { useRef, useState } from 'preact/hooks';
import { lang, t } from '../lib/i18n';
import { formatMinor } from '../lib/money';
import { nameOf, searchProducts } from '../lib/till';
import type { TillInfo } from '../lib/types';
import { Icon } from '../lib/ui';
import { addByEan, dispatch, model } from './controller';

/** More buttons than this only slow the page down; the search narrows. */
const SHOWN_MAX = 120;

export function Products({ info }: { info: TillInfo }) {
  const [search, setSearch] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const found = searchProducts(model.value.products, search);
  const shown = found.slice(0, SHOWN_MAX);

  /** Enter: a barcode from a keyboard scanner, or the only product that is left. */
  function enter(event: Event): void {
    event.preventDefault();
    const text = search.trim();
    if (text === '') return;
    const only = found.length === 1 ? found[0] : undefined;
    if (!addByEan(text)) {
      if (only) dispatch({ type: 'add', product: only.id });
      else if (/^[0-9]{8,14}$/.test(text)) {
        dispatch({
          type: 'notice',
          notice: { tone: 'error', type: 'text', key: 'products.unknown', params: { ean: text } },
        });
      } else return;
    }
    setSearch('');
  }

  return (
    <section class="panel products" aria-label={t('products.title')} data-testid="products">
      <form class="search" role="search" onSubmit={enter}>
        <Icon name="search" />
        <input
          ref={input}
          id="search"
          data-testid="search"
          type="search"
          autocomplete="off"
          spellcheck={false}
          enterkeyhint="done"
          aria-label={t('products.search')}
          placeholder={t('products.search')}
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
        <kbd>F2</kbd>
      </form>
      <div class="grid" role="group" aria-label={t('products.title')}>
        {shown.map((product) => {
          const name = nameOf(product, lang.value);
          const price = formatMinor(product.price, info.unit.exponent);
          return (
            <button
              key={product.id}
              class={`tile tax-${product.tax}`}
              data-testid={`product-${product.id}`}
              data-ean={product.ean}
              aria-label={t('products.add', { name, price })}
              onClick={() => dispatch({ type: 'add', product: product.id })}
            >
              <span class="tile-name">{name}</span>
              <span class="tile-price money">{price}</span>
            </button>
          );
        })}
      </div>
      {found.length === 0 && model.value.products.length > 0 && <p class="muted pad">{t('products.none')}</p>}
      {found.length > SHOWN_MAX && (
        <p class="muted pad">{t('products.more', { n: SHOWN_MAX, all: found.length })}</p>
      )}
    </section>
  );
}
