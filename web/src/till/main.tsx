import { render } from 'preact';
import { initLang } from '../lib/i18n';
import { pairingCode } from '../lib/pairing';
import '../styles/base.css';
import '../styles/till.css';
import '../styles/till_pay.css';
import '../styles/till_programme.css';
import { App } from './app';
import { model, pair, refresh, start } from './controller';
import { pairProblem } from './pair_problem';

/**
 * `?code=482-913` pairs by itself. It leaves the address at once, so that it is neither bookmarked nor sent
 * again.
 */
function takeCode(): string | null {
  const url = new URL(location.href);
  const code = url.searchParams.get('code');
  if (code === null) return null;
  url.searchParams.delete('code');
  history.replaceState(null, '', url.pathname + url.search + url.hash);
  return pairingCode(code);
}

async function boot(): Promise<void> {
  initLang();
  const code = takeCode();
  if (code) {
    // A till that is paired already keeps its terminal number: the link may be opened twice.
    await refresh();
    if (model.value.phase === 'unpaired') {
      const refusal = await pair(code);
      if (refusal)
        pairProblem.value = refusal.error === 'unreachable' ? 'pair.unreachable' : `error.${refusal.error}`;
    }
  }
  start();
  const root = document.getElementById('app');
  if (root) render(<App />, root);
}

void boot();
