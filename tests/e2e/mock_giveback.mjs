// Cards that come back for good, at the mock node: that call of docs/http-api.md.
import { codeGate } from './mock_codes.mjs';
import { payoutGate } from './mock_pins.mjs';

export function giveBackCall(state, answers, record, terminal, body) {
  const { ok, refuse } = answers;
  const card = state.cards.get(body.card);
  if (!card) return refuse(409, 'unknown_card');
  if (!['active', 'expired'].includes(card.status)) return refuse(409, 'card_blocked', { status: card.status });
  if (state.lends) return refuse(409, 'not_applicable', { detail: 'Card: stores may lend to such cards' });
  const total = body.paid + body.deposit;
  const asks =
    payoutGate(state, answers, terminal, body, card) ??
    codeGate(state, answers, terminal, { ...body, tenders: [{ kind: 'card', amount: total }] });
  if (asks) return asks;
  const lacks = Math.max(0, body.paid - card.here);
  if (lacks > 0 && (state.nodes[2].cut || (card.elsewhere ?? 0) < lacks))
    return refuse(409, 'insufficient', { here: card.here, elsewhere: card.elsewhere, short: lacks, purse: 1 });
  if (body.paid < card.here + (state.nodes[2].cut ? 0 : card.elsewhere ?? 0)) return refuse(409, 'bad_amount');
  if (body.deposit > (card.deposit_here ?? 0)) return refuse(409, 'insufficient', { here: 0, short: body.deposit });
  if (lacks > 0) card.elsewhere -= lacks;
  card.here += lacks - body.paid;
  card.deposit_here = (card.deposit_here ?? 0) - body.deposit;
  card.status = 'returned';
  const tenders = [{ kind: body.tender, amount: total }];
  const receipt = record(terminal, body.counter, 'card_return', card, [], total, tenders);
  return ok(Object.assign(receipt, { deposit: body.deposit, loaded: body.paid }));
}
