// One-time codes at the mock node: those calls of docs/http-api.md. `state.code` is the one that was sent last.

const TRIES = 3;

const limitOf = (state, card) => state.programme.card_kinds.find((it) => it.id === card.card_kind)?.code_above ?? null;

/** A sale before it is made: what a code has to say. */
export function codeGate(state, answers, terminal, body) {
  const card = body.card ? state.cards.get(body.card) : undefined;
  const limit = card ? limitOf(state, card) : null;
  const byCard = (body.tenders ?? []).filter((it) => it.kind === 'card').reduce((sum, it) => sum + it.amount, 0);
  if (limit === null || byCard <= limit) return null;
  const next = { without_code: limit, next_counter: state.counters.get(terminal) };
  const code = state.code;
  const good = code && code.tries > 0 && byCard <= code.up_to;
  if (body.code === undefined || !good) return answers.refuse(409, 'code_required', next);
  if (body.code !== code.text) {
    code.tries -= 1;
    return answers.refuse(409, 'code_wrong', { ...next, tries_left: code.tries });
  }
  state.code = undefined;
  return null;
}

export function codeCall(state, answers, body) {
  const card = state.cards.get(body.card);
  if (!card) return answers.refuse(409, 'unknown_card');
  const refused = state.sendsNoCodes;
  if (refused) return answers.refuse(refused === 'offline' ? 503 : 409, refused);
  state.codesSent = (state.codesSent ?? 0) + 1;
  state.code = { text: String(100_000 + state.codesSent), up_to: body.amount, tries: TRIES };
  const { account, masked } = card;
  return answers.ok({ account, masked, ends_in: '42', seconds: 300, up_to: body.amount });
}
