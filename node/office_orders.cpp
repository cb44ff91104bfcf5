// Which kind of card an order is of, and what head office says of it before a card is made.
#include "ledger/money.hpp"
#include "node/office.hpp"

namespace tally {

std::optional<std::uint32_t> card_kind_of(std::string_view text) {
  if (text == "stored_value") return 1;
  auto n = parse_amount(text, 0);
  if (!n || *n < 1 || *n > 100) return std::nullopt;
  return static_cast<std::uint32_t>(*n);
}

result<order_answer> check_order(const admin_client& hq, const std::string& kind, std::optional<std::uint32_t> expires,
                                 const std::string& batch, node_id to) {
  nlohmann::json body{{"node", to.value}, {"name", batch}};
  if (auto number = card_kind_of(kind)) {
    body["kind"] = *number;
  } else if (!kind.empty()) {
    body["kind"] = kind;
  }
  if (expires) body["expires"] = *expires;
  auto a = hq.post("cards/may-issue", body);
  if (!a) return a.error();
  order_answer out{a->value("kind", std::uint32_t{0}), a->value("kind_name", std::string())};
  if (out.kind == 0) return error{errc::malformed, "the node's answer is not of this version"};
  return out;
}

}  // namespace tally
