// First use of a till: the six digits that the node printed.
import { useState } from 'preact/hooks';
import { t, tOr, type Key } from './i18n';
import type { Refusal } from './types';
import { LangSwitch } from './ui';

/** "482-913", "482 913" and full-width digits all mean 482-913. Null when it is not six digits. */
export function pairingCode(text: string): string | null {
  const digits = text.normalize('NFKC').replace(/[\s-]/g, '');
  return /^[0-9]{6}$/.test(digits) ? `${digits.slice(0, 3)}-${digits.slice(3)}` : null;
}

export function Pairing({
  pair,
  first,
}: {
  pair: (code: string) => Promise<Refusal | null>;
  first?: string | null;
}) {
  const [code, setCode] = useState('');
  const [problem, setProblem] = useState<string | null>(first ?? null);
  const [working, setWorking] = useState(false);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    const clean = pairingCode(code);
    if (!clean) return setProblem('pair.bad_form');
    setWorking(true);
    const refusal = await pair(clean);
    setWorking(false);
    if (refusal) setProblem(refusal.error === 'unreachable' ? 'pair.unreachable' : `error.${refusal.error}`);
  }

  const text =
    problem === null ? '' : problem.startsWith('error.') ? tOr('error.', problem.slice(6)) : t(problem as Key);
  return (
    <main class="pairing">
      <div class="pairing-corner">
        <LangSwitch />
      </div>
      <form class="pairing-box" onSubmit={submit} data-testid="pairing">
        <img src="/assets/icon.svg" alt="" width="56" height="56" />
        <h1>{t('pair.title')}</h1>
        <p>{t('pair.text')}</p>
        <label for="pair-code">{t('pair.code')}</label>
        <input
          id="pair-code"
          data-testid="pair-code"
          inputMode="numeric"
          autocomplete="one-time-code"
          autofocus
          maxLength={9}
          placeholder="000-000"
          value={code}
          onInput={(event) => setCode(event.currentTarget.value)}
          aria-describedby="pair-problem"
        />
        <p class="problem" id="pair-problem" role="alert" data-testid="pair-error">
          {text}
        </p>
        <button class="button primary big" data-testid="pair-submit" disabled={working}>
          {working ? t('pair.working') : t('pair.submit')}
        </button>
      </form>
    </main>
  );
}
