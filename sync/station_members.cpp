// Letters between nodes, and what stores claim about members. What is in them is nobody's business here.
#include "ledger/member_state.hpp"
#include "sync/return_letter.hpp"
#include "sync/station.hpp"

namespace tally {

bool station::post(const letter_message& letter) {
  auto next = letter.to == head_office && config_.role != node_role::hq ? above() : route_to(letter.to);
  if (next && !up_.count(*next) && comes_by(letter.to, letter.to)) next = letter.to;
  if (!next || !up_.count(*next) || letter.body.size() > letter_bytes_max) return false;
  open_effects_.push_back(to_neighbour{*next, letter});
  return true;
}

// A letter goes up to head office or down from it, and says truly on which side its sender is.
void station::on_letter(node_id from, const letter_message& m) {
  bool down = is_above(from);
  if (down ? m.from != head_office : !comes_by(from, m.from) || certificates_.is_revoked(m.from)) return;
  if (auto sealed = m.to == config_.self ? return_letter(m.body) : std::nullopt)
    return on_return_letter(m.from, *sealed);
  if (closing_letter(m.body) && on_closing_letter(m)) return;
  if (m.to == config_.self) return open_effects_.push_back(letter_effect{m.from, m.body});
  if (down ? route_to(m.to).has_value() : m.to == head_office) (void)post(m);
}

std::vector<claim_at> station::open_claims(const claim_place& after, std::size_t max) const {
  std::vector<claim_at> out;
  const auto& all = observer_->open_claims();
  for (auto it = all.upper_bound(after); it != all.end(); ++it) {
    const auto& [at, member] = *it;
    if (out.size() == max) break;
    auto known = member_of(book_->st(), member);
    if (!known || known->erased) continue;  // nobody's, or void for good
    auto e = find_foreign({at.first, sub_stream::journal, {}}, at.second);
    if (e) out.push_back({at.first, at.second, std::move(*e)});
  }
  return out;
}

}  // namespace tally
