#pragma once
#include <nlohmann/json.hpp>

#include "ledger/cards.hpp"
#include "node/admin.hpp"
#include "node/http_types.hpp"

namespace tally::admin {

// Parts of node/admin.cpp and of the files node/admin_*.cpp; no other file includes this.

using json = nlohmann::json;

struct call {
  const json& in;
  node_facade& node;
  admin_context& context;
  admin_respond respond;

  void ok(const json& out) const { respond(200, out.dump()); }
  void refuse(const error& e) const { respond(http_status(e.code), error_json(e)); }
};

/// Members of a request; `malformed` with the member's name.
result<std::int64_t> number_in(const json& j, const char* name, std::int64_t min, std::int64_t max);
result<std::string> text_in(const json& j, const char* name, std::size_t bytes_max);

result<node_limits> limits_in(const json& j);
json limits_out(const node_limits& l);

inline constexpr std::uint32_t nodes_max = 100'000;
inline constexpr std::int64_t owners_max = 1'000'000;  ///< legal entities
inline constexpr std::int64_t days_max = 100'000;      ///< a business date; the year 2293

struct open_invitation {
  std::string key;  ///< in the node's records
  invitation what;
};
/// Invitations that are neither used nor expired, in no order. Records that do not decode are left out.
std::vector<open_invitation> open_invitations(const node_facade& node, unix_seconds now);
/// Does head office, another node or an open invitation have this name?
bool name_taken(const call& c, const std::string& name);

// Drawn numbers are remembered under these keys (admin_numbers.cpp).
inline constexpr std::string_view next_node_key = "enrol.next_node";
bytes number_record(std::uint64_t n);
/// Of the next node that is invited. REQUIRES: context.mutex is held.
std::uint32_t take_node_number(node_facade& node, admin_context& context);
/// The lowest account that was not reserved. REQUIRES: context.mutex is held.
std::uint64_t next_account(node_facade& node, admin_context& context);

/// Last date of a card of that kind that is sold today, by the rules in force; 0: no end.
std::uint32_t card_expiry(const node_facade& node, std::uint32_t kind);

void invite(call c);
void show_invitations(const call& c);
void cancel_invitations(call c);
void revoke(call c);
void close_epoch(call c);
void rotate_keys(call c);
void retire(call c);
void move_node(call c);
void show_limits(const call& c);
void set_limits(call c);
void show_catalogue(const call& c);
void publish(call c);
void reserve_cards(call c);
void map_cards(call c);
void carry(const call& c);
/// The card of the request's `medium`. Errors: malformed, unknown_card.
struct found_card {
  account_id account;
  card_record card;
};
result<found_card> card_in(const call& c);
/// The same call, which alone changes what leads to this card until it has answered; nothing, and it has answered
/// `busy`, when another one does. So what was looked up for it is still so when it is written.
std::optional<call> alone_with(const call& c, account_id card);
void show_card(const call& c);
/// Gives units to a card by hand, or takes them, once for each reference.
void adjust_card(call c);
/// Books a payment that came to head office onto a card, once for each reference.
void top_up_card(call c);
/// Pays out what is left on a card that was given back, once for each reference.
void pay_out_card(call c);
void set_card(call c);
void replace_card(call c);
void draw_card_code(const call& c);
void void_card_codes(const call& c);
/// The member `tender` of a request: the name of one of these. Errors: malformed (the text lists them).
result<tender_kind> tender_in(const call& c, std::initializer_list<tender_kind> allowed);
/// English name of a kind of card, empty for the one that needs no rules. `not_found`: with those that there are.
result<std::string> card_kind_name(const node_facade& node, std::int64_t kind);
/// The member `kind` of a request: a number, or a name of the rules in any language; left out: the only one that there
/// is. Errors: malformed (left out, and there are several: the text lists them), not_found, not_applicable (of two)
result<std::uint32_t> card_kind_asked(const call& c);
/// Of a last date, 0 for none: `bad_amount` when it is past.
status check_good_until(const node_facade& node, std::int64_t day, std::string_view what);
/// The life of a node that may sell cards: a store, or head office.
result<writer_id> seller_in(const state& st, std::int64_t node);
result<std::vector<card_batch>> batches_of(const kv_store& store);  ///< by first card
void may_issue(const call& c);
void allot_cards(call c);
void grant_vouchers(call c);
void show_vouchers(const call& c);
void list_vouchers(const call& c);
void void_vouchers(call c);
void send_vouchers(const call& c);
void show_batches(const call& c);
void recall_cards(call c);
void show_sold(const call& c);
void show_claims(const call& c);
void show_owing(const call& c);
void show_left_over(const call& c);
void undo_claims(call c);
void end_silence(call c);
void add_member(call c);
void edit_member(call c);
void show_member(call c);
void find_members(call c);
void merge_members(call c);
void erase_member(call c);
void member_duplicates(call c);
void show_applications(const call& c);
void answer_application(const call& c);
void show_outbox(const call& c);
void take_outbox(const call& c);
void outbox_done(const call& c);
void show_cases(const call& c);
void acknowledge(const call& c);
void rule(call c);
/// Writes facts and answers `out` when they are durable.
void write_facts(const call& c, std::vector<entry> facts, json out);

}  // namespace tally::admin
