// PINs at the mock node: those calls of docs/http-api.md. A card object has `pin` and `tries` once one is set.

const TRIES = 3;

const limitOf = (state, card) => state.programme.card_kinds.find((it) => it.id === card.card_kind)?.pin_above ?? null;

/** Field `pin` of a card. */
export function pinOf(state, card) {
  const limit = limitOf(state, card);
  return {
    set: card.pin !== undefined,
    tries_left: card.pin === undefined ? null : (card.tries ?? TRIES),
    ...(limit === null ? {} : { without_pin: limit }),
  };
}

/** A PIN that was typed, against the card's: a refusal, or null when it is right. */
function judge(state, { refuse }, terminal, counter, card, typed, more = {}) {
  const next = () => ({ next_counter: state.counters.get(terminal) });
  if ((card.tries ?? TRIES) === 0) return refuse(409, 'pin_locked', { ...more, ...next() });
  if (typed === undefined || state.judgesNoPins) return refuse(409, 'pin_required', { ...more, ...next() });
  if (typed === card.pin) {
    card.tries = TRIES;
    return null;
  }
  card.tries = (card.tries ?? TRIES) - 1;
  state.counters.set(terminal, counter + 1);
  return refuse(409, 'pin_wrong', { tries_left: card.tries, ...next() });
}

/** A sale before it is made: what its PIN has to say. */
export function pinGate(state, answers, terminal, body) {
  const card = body.card ? state.cards.get(body.card) : undefined;
  const limit = card ? limitOf(state, card) : null;
  const byCard = (body.tenders ?? []).filter((it) => it.kind === 'card').reduce((sum, it) => sum + it.amount, 0);
  if (limit === null || byCard <= limit) return null;
  const more = { without_pin: limit };
  if (card.pin === undefined) return answers.refuse(409, 'pin_required', { ...more, detail: 'no PIN is set' });
  return judge(state, answers, terminal, body.counter, card, body.pin, more);
}

/** A top-up that is paid out again: the PIN of a card that has one. */
export function payoutGate(state, answers, terminal, body, card) {
  if (limitOf(state, card) === null || card.pin === undefined) return null;
  return judge(state, answers, terminal, body.counter, card, body.pin);
}

export function pinCall(state, answers, terminal, body, seen) {
  const card = state.cards.get(body.card);
  if (!card) return answers.refuse(409, 'unknown_card');
  if (!/^[0-9]{4,12}$/.test(body.pin)) return answers.refuse(400, 'malformed');
  const wrong = card.pin === undefined ? null : judge(state, answers, terminal, body.counter, card, body.old_pin);
  if (wrong) return wrong;
  const changed = card.pin !== undefined;
  card.pin = body.pin;
  card.tries = TRIES;
  state.counters.set(terminal, body.counter + 1);
  const { account, masked } = card;
  return answers.ok({ account, masked, changed, repeated: false, next_counter: body.counter + 1, seen: seen() });
}
