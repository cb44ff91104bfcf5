// The code that proves a receipt, drawn as it is printed.
import { useEffect, useState } from 'preact/hooks';
import { call } from '../lib/api';
import { t } from '../lib/i18n';
import { modulesPath, type CodeModules } from '../lib/modules';
import type { Receipt } from '../lib/types';

export function ProofCode({ receipt }: { receipt: Receipt }) {
  const [drawn, setDrawn] = useState<(CodeModules & { code: string }) | null>(null);
  const { id, proof } = receipt;
  useEffect(() => {
    if (!proof) return;
    let gone = false;
    void call<CodeModules & { code: string }>('GET', `/api/v1/receipts/${encodeURIComponent(id)}/code`).then((it) => {
      if (!gone && it.ok && it.body.code === proof) setDrawn(it.body);
    });
    return () => {
      gone = true;
    };
  }, [id, proof]);
  if (!proof || drawn?.code !== proof) return null;
  return (
    <svg
      class="proof"
      role="img"
      aria-label={t('receipts.proof')}
      data-testid="proof"
      data-code={proof}
      viewBox={`0 0 ${drawn.side} ${drawn.side}`}
      shape-rendering="crispEdges"
    >
      <rect width={drawn.side} height={drawn.side} fill="#fff" />
      <path d={modulesPath(drawn)} fill="#000" />
    </svg>
  );
}
