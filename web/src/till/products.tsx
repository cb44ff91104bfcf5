import { useEffect, useRef, useState } from 'preact/hooks';
import { lang, t } from '../lib/i18n';
import { formatMinor, parseAmount } from '../lib/money';
import { memberCard } from '../lib/bill';
import { giftsFor, purseRule, unitsText, type GiftOffer } from '../lib/programme';
import { OPEN_MAX, freeUnits, nameOf, searchProducts } from '../lib/till';
import type { TillInfo } from '../lib/types';
import { Icon } from '../lib/ui';
import { addByEan, dispatch, model } from './controller';

/** More buttons than this only slow the page down; the search narrows. */
const SHOWN_MAX = 120;

/** More would only be a second price list; the search narrows these too. */
const GIFTS_SHOWN_MAX = 24;

/** What the held card's points and visits buy by the piece. */
function Gifts({ search, info }: { search: string; info: TillInfo }) {
  const { programme, products, card } = model.value;
  if (!memberCard(model.value)) return null;
  const found = new Set(searchProducts(products, search).map((it) => it.id));
  const offers = giftsFor(programme, card?.card ?? null).filter((it) => found.has(it.product));
  if (offers.length === 0) return null;
  return (
    <div class="gifts" role="group" aria-label={t('gifts.title')} data-testid="gifts">
      <span class="gifts-title">
        <Icon name="gift" />
        {t('gifts.title')}
      </span>
      {offers.slice(0, GIFTS_SHOWN_MAX).map((offer) => {
        const product = products.find((it) => it.id === offer.product);
        const name = product ? nameOf(product, lang.value) : '';
        const price = unitsText(purseRule(programme, offer.purse), offer.units, info.unit, lang.value);
        return (
          <button
            key={`${offer.purse}-${offer.product}`}
            class="gift"
            data-testid={`gift-${offer.purse}-${offer.product}`}
            data-units={offer.units}
            aria-label={t('gifts.add', { name, price })}
            disabled={freeUnits(model.value, offer.purse, true) < offer.units}
            onClick={() => addGift(offer)}
          >
            <span class="tile-name">{name}</span>
            <span class="tile-price">{price}</span>
            {offer.left !== undefined && (
              <small
                class={offer.left === 0 ? 'warn-text' : 'muted'}
                data-testid={`gift-left-${offer.purse}-${offer.product}`}
                data-left={offer.left}
              >
                {offer.left === 0 ? t('gifts.none_left') : t('gifts.left', { n: String(offer.left) })}
              </small>
            )}
          </button>
        );
      })}
    </div>
  );
}

function addGift(offer: GiftOffer): void {
  const known = model.value.gifts.find((it) => it.purse === offer.purse && it.product === offer.product);
  dispatch({ type: 'gift', purse: offer.purse, product: offer.product, quantity: (known?.quantity ?? 0) + 1 });
}

/** What a product that is sold by amount costs now. */
function OpenAmount({ info }: { info: TillInfo }) {
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const asking = model.value.asking;
  useEffect(() => {
    setText('');
    input.current?.focus();
  }, [asking]);
  const product = model.value.products.find((it) => it.id === asking);
  if (!product) return null;
  const name = nameOf(product, lang.value);
  const typed = parseAmount(text, info.unit.exponent);
  const most = typed.ok && typed.minor > OPEN_MAX;
  const problem = most ? t('amount.bad.range') : typed.ok || typed.why === 'empty' ? '' : t(`amount.bad.${typed.why}`);
  function commit(event: Event): void {
    event.preventDefault();
    if (product && typed.ok && !most) dispatch({ type: 'add', product: product.id, pieces: typed.minor });
  }
  return (
    <form class="open-amount" data-testid="open-amount" data-product={product.id} onSubmit={commit}>
      <label for="open-amount-field">{name}</label>
      <input
        ref={input}
        id="open-amount-field"
        data-testid="open-amount-field"
        inputMode="decimal"
        autocomplete="off"
        placeholder={t('topup.amount')}
        aria-invalid={problem !== ''}
        aria-describedby="open-amount-problem"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Escape' && dispatch({ type: 'asking', product: null })}
      />
      <button class="button primary" data-testid="open-amount-add" disabled={!typed.ok || most}>
        {t('open.add')}
      </button>
      <button type="button" class="button" data-testid="open-amount-cancel" onClick={() => dispatch({ type: 'asking', product: null })}>
        {t('pin.cancel')}
      </button>
      <p class="problem" id="open-amount-problem" role="alert" data-testid="open-amount-problem">
        {problem}
      </p>
    </form>
  );
}

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
      <OpenAmount info={info} />
      <Gifts search={search} info={info} />
      <div class="grid" role="group" aria-label={t('products.title')}>
        {shown.map((product) => {
          const name = nameOf(product, lang.value);
          const price = product.open ? t('open.price') : formatMinor(product.price, info.unit.exponent);
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
