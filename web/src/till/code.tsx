// One-time codes: sent to the customer's telephone when the node asks for one, and typed. What is typed is held nowhere
// but in the field, and not after it.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { hasKey, t } from '../lib/i18n';
import { formatMinor } from '../lib/money';
import { asksForCode, isCode, isPin } from '../lib/pin';
import type { Refusal, TillInfo } from '../lib/types';
import { answerCode, codeSent, mayAnswerPin, model, pinWasTyped, sendCode } from './controller';
import { PinField } from './pin';

const typed = signal({ code: '', pin: '' });
const sending = signal(false);

/** What became of the request for a code. */
function sentText(): string {
  const { value } = codeSent;
  if (value === null) return '';
  if ('code' in value) return t('code.sent', { digits: value.code.ends_in, n: Math.round(value.code.seconds / 60) });
  const { error } = value.refusal;
  if (error === 'code_required') return t('code.no_phone');
  if (error === 'busy' || error === 'full') return t('code.too_many');
  if (error === 'offline' || error === 'timeout') return t('code.no_line');
  const key = `error.${error}`;
  return hasKey(key) ? t(key) : t('error.other', { error });
}

async function send(): Promise<void> {
  sending.value = true;
  await sendCode();
  sending.value = false;
}

/** Beside a refusal for want of a code: have one sent, type it, and the same is asked for again. */
export function CodeAsked({ refusal, info }: { refusal: Refusal; info: TillInfo }) {
  if (!asksForCode(refusal) || !mayAnswerPin()) return null;
  return <CodeForm refusal={refusal} info={info} />;
}

function CodeForm({ refusal, info }: { refusal: Refusal; info: TillInfo }) {
  // Half a code is not left to the next customer.
  useEffect(() => () => void (typed.value = { code: '', pin: '' }), []);
  const idle = model.value.outbox.phase === 'idle';
  // The node has seen the right PIN, and sees it again with the code: it keeps none.
  const wantsPin = pinWasTyped();
  const sent = codeSent.value !== null && 'code' in codeSent.value;
  const { code, pin } = typed.value;
  const ready = idle && sent && isCode(code) && (!wantsPin || isPin(pin));
  function submit(event: Event): void {
    event.preventDefault();
    if (!ready) return;
    typed.value = { code: '', pin: '' };
    answerCode(code, wantsPin ? pin : undefined);
  }
  return (
    <form class="card-entry code-form" onSubmit={submit} data-testid="code-asked">
      <button
        type="button"
        class={sent ? 'button quiet' : 'button primary'}
        data-testid="code-send"
        disabled={!idle || sending.value}
        onClick={() => void send()}
      >
        {t(sent ? 'code.again' : 'code.send')}
      </button>
      <small class="muted" role="status" data-testid="code-sent">
        {sentText()}
      </small>
      {sent && (
        <>
          {wantsPin && (
            <PinField
              id="code-pin"
              label="pin.type"
              value={pin}
              input={(text) => (typed.value = { ...typed.value, pin: text })}
            />
          )}
          <input
            data-testid="code-typed"
            inputMode="numeric"
            autocomplete="off"
            maxLength={6}
            aria-label={t('code.type')}
            placeholder={t('code.type')}
            value={code}
            onInput={(event) =>
              (typed.value = { ...typed.value, code: event.currentTarget.value.normalize('NFKC').trim() })
            }
          />
          <button class="button primary" data-testid="code-commit" disabled={!ready}>
            {t('code.commit')}
          </button>
        </>
      )}
      {refusal.without_code ? (
        <small class="muted" data-testid="code-without">
          {t('code.without', { amount: formatMinor(refusal.without_code, info.unit.exponent) })}
        </small>
      ) : null}
    </form>
  );
}
