#include "devices/luhn.hpp"
#include "node/api.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"

namespace tally {
namespace {

/// Id of the reversal of an entry, or empty.
std::string reversed_by(const durable_state& st, const writer_id& w, sequence seq) {
  auto cell = st.find({.type = cell_type::reversed, .a = seq, .b = 0, .writer = w, .peer = {}});
  return cell ? receipt_id(w, static_cast<sequence>(cell->n)) : std::string();
}

std::string card_note(account_id account) { return "till/card/" + std::to_string(account.value); }

std::string to_json(const api_context& api, const receipt& r, const std::vector<std::string>& text,
                    const node_snapshot& s, std::uint32_t terminal, std::uint64_t entries) {
  json_writer w;
  w.open('{');
  write_receipt(w, r, text);
  w.field("next_counter", next_counter(api, s.self, terminal));
  w.field("seen", seen_mark(api, s, entries));
  w.close('}');
  return w.take();
}

/// A stored receipt, with what its card is worth now.
result<receipt> stored_receipt(const api_context& api, std::string_view id) {
  auto name = parse_receipt_id(id);
  if (!name) return error{errc::not_found, "no such receipt"};
  auto& node = api.services.node;
  auto s = node.snapshot();
  if (name->writer.node != s->self.node)
    return error{errc::not_found, "that receipt is kept at node " + std::to_string(name->writer.node.value)};
  auto data = stream_reader(node.store()).own_entry(name->writer, name->seq);
  if (!data) return data.code() == errc::not_found ? error{errc::not_found, "no such receipt"} : data.error();
  auto e = decode_entry(*data);
  if (!e) return error{errc::not_found, "that entry is no receipt"};
  auto r = describe_receipt(*e, name->writer, name->seq, *s->rules, node.store(), api.services.identity.name);
  if (!r) return r.error();
  durable_state st(node.store());
  if (e->account.value != 0) {
    if (auto card = remembered_card(api, e->account); !card.empty()) r->masked = std::move(card);
    r->here = holding(st, s->self, e->account);
    if (auto hint = node.elsewhere(e->account)) {
      r->elsewhere = hint->value;
      r->elsewhere_as_of = hint->as_of;
    }
  }
  r->reversed_by = reversed_by(st, name->writer, name->seq);
  if (st.read_failed()) return error{errc::io, "the database could not be read"};
  return r;
}

}  // namespace

void remember_card(const api_context& api, account_id account, std::string_view masked) {
  constexpr std::size_t shown = 4;
  auto digits = bytes(masked.substr(masked.size() - std::min(masked.size(), shown)));
  if (!all_digits(digits) || digits.size() != shown) return;
  auto note = card_note(account);
  auto& node = api.services.node;
  if (node.recall(note) == digits) return;
  node.remember(std::move(note), std::move(digits), [](bool) {});
}

std::string remembered_card(const api_context& api, account_id account) {
  auto digits = api.services.node.recall(card_note(account));
  return digits ? "**** " + std::string(*digits) : std::string();
}

result<std::string> receipt_json(const api_context& api, const till_answer& a, std::string_view masked,
                                 std::vector<std::string>* text) {
  const auto& e = std::get<entry>(a.outcome);
  auto& node = api.services.node;
  auto s = node.snapshot();
  auto r = describe_receipt(e, a.writer, a.seq, *s->rules, node.store(), api.services.identity.name);
  if (!r) return r.error();
  if (e.account.value != 0) {
    auto card = masked.empty() ? remembered_card(api, e.account) : std::string(masked);
    if (!card.empty()) r->masked = std::move(card);
    r->here = a.here;
    if (a.elsewhere) {
      r->elsewhere = a.elsewhere->value;
      r->elsewhere_as_of = a.elsewhere->as_of;
    }
  }
  if (a.repeated) r->reversed_by = reversed_by(durable_state(node.store()), a.writer, a.seq);
  auto lines = receipt_text(*r, a.repeated ? ticket_balance::left_out : ticket_balance::printed);
  auto json = to_json(api, *r, lines, *s, e.terminal, a.writer == s->self ? a.seq + 1 : 0);
  if (text) *text = std::move(lines);
  return json;
}

void handle_receipt(const api_ptr& api, std::uint32_t terminal, std::string_view id, const call_ptr& call) {
  auto r = stored_receipt(*api, id);
  if (!r) return call->finish(refuse(*api, r.error()));
  auto s = api->services.node.snapshot();
  call->finish({.status = 200, .body = to_json(*api, *r, receipt_text(*r, ticket_balance::left_out), *s, terminal, 0)});
}

void handle_print(const api_ptr& api, std::string_view id, const call_ptr& call) {
  auto r = stored_receipt(*api, id);
  if (!r) return call->finish(refuse(*api, r.error()));
  auto& node = api->services.node;
  if (node.devices().printer == "none") return call->finish(refuse(*api, problem::no_printer));
  auto ticket = receipt_ticket(receipt_text(*r, ticket_balance::left_out), true, false);
  if (!ticket) return call->finish(refuse(*api, ticket.error()));
  if (!node.print(r->id, *ticket))
    return call->finish(refuse(*api, {errc::busy, "1,000 tickets wait for the printer"}));
  call->finish({.status = 200, .body = R"({"queued":true})"});
}

}  // namespace tally
