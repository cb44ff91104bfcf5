#include <chrono>
#include <thread>

#include "actors/devices.hpp"
#include "devices/display.hpp"
#include "ledger/money.hpp"
#include "node/api.hpp"
#include "node/json_read.hpp"
#include "node/receipt_template.hpp"
#include "node/receipt_words.hpp"
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

void prove(const api_context& api, receipt& r, const writer_id& writer, sequence seq) {
  if (api.services.prove_receipt && layout_proves(r.form.layout)) r.proof = api.services.prove_receipt(writer, seq);
}

std::string card_note(account_id account) { return "till/card/" + std::to_string(account.value); }

std::string level_note(account_id account) { return "till/level/" + std::to_string(account.value); }

/// Whether a receipt is the one that told of the card's newest level.
bool told_level(const api_context& api, const receipt& r) {
  auto known = api.services.node.recall(level_note(r.account));
  return known && known->ends_with(" " + r.id);
}

/// The level of a card's newest receipt here, and the receipt that told of it first: "2 3.5f0c1a2b3c4d5e6f.41". A card
/// whose level nobody here had seen has no new one.
void note_level(const api_context& api, const entry& e, receipt& r) {
  auto& node = api.services.node;
  const auto* rules = node.snapshot()->rules->rules(e.rules_version);
  bool speaks = sells(e.kind) || e.kind == entry_kind::top_up;
  if (!speaks || e.account.value == 0 || !rules || rules->programme.levels.empty()) return;
  auto note = level_note(e.account);
  auto known = node.recall(note);
  const auto level = std::to_string(e.level) + " ";
  if (known && known->starts_with(level)) return void(r.new_level = known->ends_with(" " + r.id));
  r.new_level = known.has_value();
  node.remember(std::move(note), level + (known ? r.id : std::string()), {});  // no customer waits for it
}

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
  auto r = describe_receipt(*e, name->writer, name->seq, *s->rules, node.store(), api.services.identity.name,
                            api.services.layout.lang);
  if (!r) return r.error();
  durable_state st(node.store());
  if (e->account.value != 0) {
    if (auto card = remembered_card(api, e->account); !card.empty()) r->masked = std::move(card);
    if (auto card = remembered_card(api, e->to_account); !card.empty()) r->to_masked = std::move(card);
    r->here = holding(st, s->self, e->account);
    r->new_level = told_level(api, *r);
    describe_purses(*r, rules_now(*s), st, s->self, api.services.layout.lang);
    if (auto hint = node.elsewhere(e->account)) {
      r->elsewhere = hint->value;
      r->elsewhere_as_of = hint->as_of;
    }
  }
  r->reversed_by = reversed_by(st, name->writer, name->seq);
  prove(api, *r, name->writer, name->seq);
  if (st.read_failed()) return error{errc::io, "the database could not be read"};
  return r;
}

/// What a rewritable card says after its use: where and when, what it is worth here, points and vouchers, and what lies
/// elsewhere.
std::vector<std::string> card_face(const api_context& api, const entry& e, const till_answer& a,
                                   const rules_record& rules, const receipt_words& words) {
  const auto money = [&](amount sum) { return format_amount(sum, static_cast<int>(rules.exponent)); };
  std::vector<std::string> out{api.services.identity.name, local_time(start_of_day(e.business_date) + e.stamp),
                               remembered_card(api, e.account), std::string(words.here) + " " + rules.currency,
                               "  " + money(a.here)};
  receipt left;
  left.account = e.account;
  if (!rules.programme.purses.empty())
    describe_purses(left, rules, durable_state(api.services.node.store()), a.writer, api.services.layout.lang);
  for (const auto& u : left.left)
    out.push_back(u.name + " " + (u.is_money ? money(u.units) : std::to_string(u.units)));
  if (a.elsewhere && a.elsewhere->value != 0)
    out.push_back(std::string(words.elsewhere) + " " + money(a.elsewhere->value));
  return out;
}

}  // namespace

void remember_card(const api_context& api, account_id account, std::string_view masked) {
  constexpr std::size_t shown = 4;
  auto digits = bytes(masked.substr(masked.size() - std::min(masked.size(), shown)));
  if (!all_digits(digits) || digits.size() != shown) return;
  auto note = card_note(account);
  auto& node = api.services.node;
  if (node.recall(note) == digits) return;
  node.remember(std::move(note), std::move(digits), {});  // no customer waits for what only a reprint shows
}

std::string remembered_card(const api_context& api, account_id account) {
  auto digits = api.services.node.recall(card_note(account));
  return digits ? "**** " + std::string(*digits) : std::string();
}

void api_context::print(const std::string& receipt, result<std::vector<bytes>> tickets) {
  if (tickets) {
    (void)services.node.print(receipt, std::move(*tickets));
    return;
  }
  services.node.events().publish(print_event{receipt, "refused"});
  if (services.security)
    services.security(tickets.code(), "receipt " + receipt + " is not printed: " + tickets.error().detail);
}

result<std::string> receipt_json(const api_context& api, const till_answer& a, std::string_view masked,
                                 result<std::vector<bytes>>* tickets, std::optional<amount> asked) {
  const auto& e = std::get<entry>(a.outcome);
  auto& node = api.services.node;
  auto s = node.snapshot();
  auto r = describe_receipt(e, a.writer, a.seq, *s->rules, node.store(), api.services.identity.name,
                            api.services.layout.lang);
  if (!r) return r.error();
  if (e.account.value != 0) {
    auto card = masked.empty() ? remembered_card(api, e.account) : std::string(masked);
    if (!card.empty()) r->masked = std::move(card);
    if (auto to = remembered_card(api, e.to_account); !to.empty()) r->to_masked = std::move(to);
    r->here = a.here;
    if (a.repeated) {
      r->new_level = told_level(api, *r);
    } else {
      note_level(api, e, *r);
    }
    if (const auto& rules = rules_now(*s); !rules.programme.purses.empty())
      describe_purses(*r, rules, durable_state(node.store()), s->self, api.services.layout.lang);
    if (a.elsewhere) {
      r->elsewhere = a.elsewhere->value;
      r->elsewhere_as_of = a.elsewhere->as_of;
    }
  }
  prove(api, *r, a.writer, a.seq);
  if (asked && e.kind == entry_kind::authorise) r->remainder = *asked - r->total;
  if (a.repeated) r->reversed_by = reversed_by(durable_state(node.store()), a.writer, a.seq);
  auto lines = receipt_text(*r, a.repeated ? ticket_balance::left_out : ticket_balance::printed, api.services.layout);
  auto json = to_json(api, *r, lines, *s, e.terminal, a.writer == s->self ? a.seq + 1 : 0);
  if (tickets) *tickets = receipt_tickets(*r, lines, api.services.layout);
  return json;
}

void handle_receipt(const api_ptr& api, std::uint32_t terminal, std::string_view id, const call_ptr& call) {
  auto r = stored_receipt(*api, id);
  if (!r) return call->finish(refuse(*api, r.error()));
  auto s = api->services.node.snapshot();
  call->finish(
      {.status = 200,
       .body = to_json(*api, *r, receipt_text(*r, ticket_balance::left_out, api->services.layout), *s, terminal, 0)});
}

void print_unprinted(const api_ptr& api) {
  constexpr int looked_at_max = 64, beyond_max = 8;
  auto& node = api->services.node;
  if (!api->services.printer_configured) return;
  for (int waits = 0; node.devices().printer == "none" && waits < 500; ++waits)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  auto self = node.snapshot()->self;
  auto seq = stream_reader(node.store()).size({self, sub_stream::journal, {}});
  std::vector<receipt> missing;
  int marked = 0;
  for (int looked = 0; seq > 0 && looked < looked_at_max && marked < beyond_max; ++looked) {
    auto r = stored_receipt(*api, receipt_id(self, --seq));
    if (!r) continue;  // most entries are no receipts
    if (was_spooled(node.store(), r->id)) {
      ++marked;  // two answers may have overtaken each other: a few more are looked at
    } else {
      missing.push_back(std::move(*r));
    }
  }
  if (marked == 0) return;  // this printer is new, or has not been in use for long
  for (auto r = missing.rbegin(); r != missing.rend(); ++r) {
    const auto& layout = api->services.layout;
    auto tickets = receipt_tickets(*r, receipt_text(*r, ticket_balance::left_out, layout), layout);
    api->print(r->id, std::move(tickets));
  }
}

void tell_counter(const api_context& api, const till_answer& a) {
  const auto* e = std::get_if<entry>(&a.outcome);
  if (!e || a.repeated || e->kind == entry_kind::claim) return;
  auto& node = api.services.node;
  amount total = 0;
  bool cash = false;
  for (const auto& t : e->tenders) {
    cash = cash || t.kind == tender_kind::cash;
    (void)checked_add(total, t.amount, total);
  }
  for (const auto& v : e->values)
    if ((sells(e->kind) || e->kind == entry_kind::authorise) && v.unit == main_unit)
      (void)checked_add(total, v.amount, total);
  if (cash) (void)node.open_drawer();
  const auto& rules = rules_now(*node.snapshot());
  const text_codec codec(api.services.layout.display);
  const auto sum = format_amount(total, static_cast<int>(rules.exponent));
  const auto& words = words_of(api.services.layout.lang);
  const auto here = e->account.value != 0 ? format_amount(a.here, static_cast<int>(rules.exponent)) : std::string();
  (void)node.show_customer(display_row(std::string(words.total) + " " + rules.currency, sum, codec),
                           here.empty() ? std::string() : display_row(words.here, here, codec));
  if (e->account.value != 0 && node.devices().rewriter != "none")
    (void)node.rewrite_card(card_face(api, *e, a, rules, words));
}

void handle_drawer(const api_ptr& api, const call_ptr& call) {
  auto& node = api->services.node;
  if (!node.open_drawer()) return call->finish(refuse(*api, problem::no_drawer));
  if (node.devices().printer == "offline") return call->finish(refuse(*api, problem::printer_offline));
  call->finish({.status = 200, .body = R"({"opened":true})"});
}

void handle_display(const api_ptr& api, const api_request& r, const call_ptr& call) {
  constexpr std::size_t text_max = 120;
  auto body = parse_json(r.body);
  if (!body) return call->finish(refuse(*api, body.error()));
  json_fields f(*body);
  auto text = [&](const char* name) { return std::string(f.maybe_text(name, text_max).value_or("")); };
  auto upper = text("upper"), upper_right = text("upper_right"), lower = text("lower"),
       lower_right = text("lower_right");
  if (!f.ok()) return call->finish(refuse(*api, f.problem()));
  const text_codec codec(api->services.layout.display);
  if (!api->services.node.show_customer(display_row(upper, upper_right, codec), display_row(lower, lower_right, codec)))
    return call->finish(refuse(*api, problem::no_display));
  call->finish({.status = 200, .body = R"({"shown":true})"});
}

void handle_print(const api_ptr& api, std::string_view id, const call_ptr& call) {
  auto r = stored_receipt(*api, id);
  if (!r) return call->finish(refuse(*api, r.error()));
  auto& node = api->services.node;
  if (node.devices().printer == "none") return call->finish(refuse(*api, problem::no_printer));
  const auto& layout = api->services.layout;
  auto ticket = receipt_ticket(r->id, receipt_text(*r, ticket_balance::left_out, layout), true, layout, r->proof);
  if (!ticket) return call->finish(refuse(*api, ticket.error()));
  if (!node.print(r->id, {std::move(*ticket)}))
    return call->finish(refuse(*api, {errc::busy, "1,000 tickets wait for the printer"}));
  call->finish({.status = 200, .body = R"({"queued":true})"});
}

}  // namespace tally
