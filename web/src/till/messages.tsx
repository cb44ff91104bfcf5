// Banners and notices: what happened, in plain words, with the figures.
import { ageText, hasKey, lang, t, timeText, tOr, type Key } from '../lib/i18n';
import { formatMinor } from '../lib/money';
import type { MoneyRequest } from '../lib/outbox';
import { bill, tendersFor } from '../lib/bill';
import { purseRule, unitsFigure, nameIn } from '../lib/programme';
import { isOpenHold, restTenders } from '../lib/returns';
import type { Receipt, Refusal, TillInfo } from '../lib/types';
import { Icon } from '../lib/ui';
import { CodeAsked } from './code';
import {
  capture,
  codeWasTyped,
  dispatch,
  hasNoPin,
  mayPayPart,
  model,
  now,
  outbox,
  pay,
  payPart,
  pinWasTyped,
  voidHold,
  wasGiveBack,
  wasTakenBack,
} from './controller';
import { PinAsked } from './pin';

const figures = (minor: number | null | undefined, info: TillInfo): string =>
  minor === null || minor === undefined ? t('card.never_told') : formatMinor(minor, info.unit.exponent);

export function refusalText(refusal: Refusal, info: TillInfo): string {
  const key = `error.${refusal.error}`;
  if (!hasKey(key)) return t('error.other', { error: refusal.error });
  if (wasGiveBack() && refusal.error === 'not_applicable') return t('giveback.refused');
  if (wasGiveBack() && refusal.error === 'insufficient') return t('giveback.short');
  if (wasGiveBack() && refusal.error === 'bad_amount') return t('giveback.all');
  if (wasTakenBack() && refusal.error === 'card_blocked' && refusal.status === 'returned') return t('refund.card_gone');
  const rule = purseRule(model.value.programme, refusal.purse ?? 0);
  if (refusal.error === 'insufficient' && rule) {
    const units = (n: number | undefined) => unitsFigure(rule, n ?? 0, info.unit);
    const name = nameIn(rule.name, lang.value);
    return t('error.insufficient_units', { name, here: units(refusal.here), short: units(refusal.short) });
  }
  if (refusal.error === 'pin_required' && hasNoPin()) return t('pin.none');
  if (refusal.error === 'pin_required' && pinWasTyped()) return t('pin.cannot');
  if (refusal.error === 'code_required' && codeWasTyped()) return t('code.void');
  if (refusal.error === 'code_wrong' && refusal.tries_left === 0) return t('code.last');
  if (refusal.error === 'card_blocked' && refusal.replaced) return t('error.card_replaced');
  if (refusal.error === 'card_blocked' && refusal.status) return `${t(key)} (${tOr('card.status.', refusal.status)})`;
  // Which voucher, gift or package, and what it asks for: the node's own words.
  if (refusal.error === 'not_applicable' && refusal.detail) return `${t(key)} (${refusal.detail})`;
  const text = t(key, {
    here: figures(refusal.here, info),
    elsewhere: figures(refusal.elsewhere, info),
    short: figures(refusal.short, info),
    left: figures(refusal.left ?? info.topup_quota_left, info),
    n: String(refusal.tries_left ?? 0),
  });
  const pulled = refusal.pulled ? ' ' + t('notice.pulled', { amount: figures(refusal.pulled, info) }) : '';
  return text + pulled;
}

function requestWords(request: MoneyRequest, info: TillInfo): { what: string; amount: string } {
  return { what: t(`kind.${request.kind}`), amount: figures(request.amount, info) };
}

function OutboxBanner({ info }: { info: TillInfo }) {
  const state = model.value.outbox;
  if (state.phase === 'idle') return null;
  const words = requestWords(state.request, info);
  if (state.phase === 'orphan') {
    return (
      <div class="banner warn" role="alert" data-testid="banner-orphan">
        <span>{t('banner.orphan', { ...words, t: state.request.terminal, n: state.request.counter })}</span>
        <button class="button" data-testid="orphan-dismiss" onClick={() => outbox({ type: 'dismiss' })}>
          {t('banner.orphan_ok')}
        </button>
      </div>
    );
  }
  // A first attempt is answered within a second: the pay button says so; a banner would only flicker.
  if (state.phase === 'sending' && state.attempt === 1) return null;
  return (
    <div class="banner warn" role="status" data-testid="banner-unanswered">
      <span class="pulse" aria-hidden="true" />
      <span>{t('banner.unanswered', { ...words, n: state.attempt })}</span>
      <button
        class="button"
        data-testid="retry-now"
        disabled={state.phase === 'sending'}
        onClick={() => outbox({ type: 'retry_now' })}
      >
        {t('banner.retry_now')}
      </button>
    </div>
  );
}

export function Banners({ info }: { info: TillInfo }) {
  const { reachable, listening } = model.value;
  const printer = info.devices.printer?.configured ? info.devices.printer.state : 'none';
  const paper = printer === 'paper_out';
  const printerText = `banner.printer_${printer}`;
  return (
    <div class="banners">
      {info.blocked && (
        <div class="banner bad" role="alert" data-testid="banner-blocked">
          {t('banner.blocked', {
            why: tOr('error.', info.blocked) === info.blocked ? info.blocked : t(`error.${info.blocked}` as Key),
          })}
        </div>
      )}
      <OutboxBanner info={info} />
      {!reachable && (
        <div class="banner warn" role="status" data-testid="banner-node">
          {t('banner.node_silent')}
        </div>
      )}
      {bill(model.value).state === 'silent' && (
        <div class="banner warn" role="status" data-testid="banner-quote">
          {t('quote.silent')}
        </div>
      )}
      {reachable && !listening && (
        <div class="banner warn" role="status" data-testid="banner-events">
          {t('banner.not_listening')}
        </div>
      )}
      {reachable && !info.link.up && (
        <div class="banner calm" role="status" data-testid="banner-offline">
          {t('banner.offline', { n: info.link.entries_waiting, age: ageText(info.link.last_contact, now.value) })}
        </div>
      )}
      {info.lists && info.lists.as_of !== null && info.lists.card_sale_max !== null && (
        <div class="banner warn" role="status" data-testid="banner-stale-cards">
          {t('banner.stale_cards', {
            time: timeText(info.lists.as_of, now.value),
            amount: figures(info.lists.card_sale_max, info),
          })}
        </div>
      )}
      {info.lists && info.lists.as_of !== null && info.lists.no_discounts && (
        <div class="banner warn" role="status" data-testid="banner-stale-rules">
          {t('banner.stale_rules', { time: timeText(info.lists.as_of, now.value) })}
        </div>
      )}
      {paper && (
        <div class="banner calm" role="status" data-testid="banner-paper">
          {t('banner.paper_out')}
        </div>
      )}
      {hasKey(printerText) && (
        <div class="banner calm" role="status" data-testid="banner-printer" data-state={printer}>
          {t(printerText)}
        </div>
      )}
    </div>
  );
}

/** "Pay 20.00 by card and the rest in cash", offered right where the refusal is read. */
function RestInCash({ info }: { info: TillInfo }) {
  const split = tendersFor(model.value, 'split');
  if (!split) return null;
  const [card, cash] = [split[0]?.amount, split[1]?.amount];
  return (
    <button class="button primary" data-testid="pay-rest-cash" onClick={() => pay('split')}>
      {t('pay.rest_cash', { card: figures(card, info), cash: figures(cash, info) })}
    </button>
  );
}

/** The card pays what it has, wherever that lies; what it has is not known before the node says so. */
function PartByCard() {
  if (!mayPayPart()) return null;
  return (
    <button class="button" data-testid="pay-part" onClick={payPart}>
      {t('part.offer')}
    </button>
  );
}

/** What the card paid of the basket, and the ways to pay the rest: then both count, or neither. */
function RestOfPart({ receipt, info }: { receipt: Receipt; info: TillInfo }) {
  const { receipts, outbox: state } = model.value;
  if (receipt.remainder === undefined || !isOpenHold(receipt, receipts)) return null;
  const idle = state.phase === 'idle';
  return (
    <>
      {(['cash', 'bank'] as const).map((kind) => {
        const tenders = restTenders(model.value, receipt, kind);
        return (
          <button
            key={kind}
            class="button primary"
            data-testid={`part-${kind}`}
            disabled={!idle || !tenders}
            onClick={() => tenders && capture(receipt, tenders)}
          >
            {t(`part.${kind}`, { rest: figures(receipt.remainder, info) })}
          </button>
        );
      })}
      <button class="button danger" data-testid="part-void" disabled={!idle} onClick={() => voidHold(receipt)}>
        {t('hold.void')}
      </button>
    </>
  );
}

function noticeText(info: TillInfo): string {
  const notice = model.value.notice;
  if (!notice) return '';
  if (notice.type === 'text') return t(notice.key as Key, notice.params);
  if (notice.type === 'refusal') return refusalText(notice.refusal, info);
  const { receipt, recovered } = notice;
  const amount = figures(receipt.total, info);
  if (recovered) return t('notice.recovered', { what: t(`kind.${receipt.kind}`), amount });
  const done: Record<string, Key> = {
    sale: 'pay.done',
    top_up: 'topup.done',
    reversal: 'reverse.done',
    card_sale: 'card.sold',
    card_return: 'card.paid_out',
    refund: 'refund.done',
    authorisation: 'hold.done',
    void: 'hold.voided',
  };
  if (receipt.kind === 'authorisation' && receipt.remainder !== undefined)
    return t('part.done', { card: amount, rest: figures(receipt.remainder, info) });
  if (receipt.kind === 'adjustment') return t('adjust.done');
  if (receipt.kind === 'gift') return t('gift.done');
  if (receipt.kind === 'card_report') return `${t('card.reported')} ${receipt.masked ?? ''}`;
  const here = receipt.here === null ? '' : ` · ${t('card.here')} ${figures(receipt.here, info)}`;
  return `${t(done[receipt.kind] ?? 'pay.done')} ${amount}${here}`;
}

/**
 * What the last action came to. One live region each for good news and errors, always present, so that it
 * is read out.
 */
export function NoticeBar({ info }: { info: TillInfo }) {
  void lang.value;
  const notice = model.value.notice;
  const isError = notice?.tone === 'error';
  const refusal = notice?.type === 'refusal' ? notice.refusal : null;
  const offer =
    refusal?.error === 'insufficient' && refusal.purse === undefined && model.value.outbox.phase === 'idle';
  return (
    <div
      class={`notice ${notice ? notice.tone : 'none'}`}
      data-testid="notice"
      data-tone={notice?.tone ?? 'none'}
      data-error={refusal?.error}
    >
      <p class="notice-text" role="alert" data-testid="error">
        {isError ? noticeText(info) : ''}
      </p>
      <p class="notice-text" role="status" data-testid="message">
        {notice && !isError ? noticeText(info) : ''}
      </p>
      {offer && <RestInCash info={info} />}
      {offer && <PartByCard />}
      {notice?.type === 'receipt' && <RestOfPart receipt={notice.receipt} info={info} />}
      {refusal && <PinAsked refusal={refusal} info={info} />}
      {refusal && <CodeAsked refusal={refusal} info={info} />}
      {notice && (
        <button
          class="icon-button"
          data-testid="notice-close"
          aria-label={t('notice.close')}
          onClick={() => dispatch({ type: 'notice', notice: null })}
        >
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
