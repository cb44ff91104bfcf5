#pragma once
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "actors/facade.hpp"
#include "node/enrolment.hpp"
#include "node/identity.hpp"
#include "sync/entropy.hpp"
#include "sync/members.hpp"

namespace tally {

// Server side of /api/v1/admin/*, for the command line on the same machine (node/admin_client.hpp). The HTTP server
// lets a call in only with the bearer token of <data>/admin.token; docs/http-api.md does not list these calls,
// because only `tallystick` of the same version makes them.
//
//   GET  status                 any node   what `tallystick status` shows
//   POST invite                 hq         {"name","role","parent","limits":{…},"hours","doors"} or
//                                          {"replaces","hours","doors"} → {"node","token","name_taken",…}
//   GET  invitations            hq         those that are open: neither used nor expired
//   POST invitations/cancel     hq         {"node"} → {"cancelled"}, the number of them
//   POST revoke                 hq         {"node"}
//   POST close-epoch            hq         {"node"}
//   POST keys/rotate            store      → {"signing"}, the new key that waits for its certificate
//   POST retire                 hq         {"node"} → {"entries","held"}; `offline` unless the node says that
//                                          all its books are here; within 30 s
//   POST move                   hq         {"node","parent"} → {"before"}
//   GET  limits, POST limits    hq         {"node","ceiling","daily_inflow","quota","daily_quota"}
//   GET  catalogue              hq         the published records, base64
//   POST publish                hq         {"version","publication","rules","products":[…],"last"}
//   POST cards/reserve          hq         {"count"} or {"count","prefix"} → {"first"}; `full` when the numbers do not
//                                          fit behind the prefix, and then nothing is reserved
//   POST cards/map              hq         {"first","kind","media":[hex…]} → {"written"}; "state" active or stock,
//                                          "expires" a day number instead of what the kind's rule says
//   POST cards/allot            hq         {"first","count","kind","name","node"} → the same; node 0: ordered only
//   GET  cards/batches          hq         runs of cards: {"batches":[{"first","count","kind","name","node"}]}
//   POST vouchers/grant         hq         {"first","count","purse","units","until","batch"}, of money "tender" as
//                                          well: accounts that were reserved → {"granted"}
//   GET  vouchers               hq         {"batches":[{"batch","purse","count","units","left","void",
//                                          "until"}]}
//   POST vouchers/list          hq         {"batch","after"} → {"vouchers":[…],"more"}, by account
//   POST vouchers/void          hq         {"first","count"} → {"voided"}
//   GET  cards/claims           hq         cards whose state a store's claim gave: {"claims":[…],"more"}
//   POST cards/claims/undo      hq         {"node","from"} → {"undone","pins"}: claims of its current epoch from that
//                                          entry on, and PINs that it set
//   POST card                   hq         {"medium":hex} → {"account","state","kind","version"}
//   POST card/replace           hq         {"medium","replacement","dead"}: the account's card is the new one from now
//                                          on, every number and code that led to it belongs to the cancelled account
//                                          `dead` → as card
//   POST card/code              hq         {"medium"} → as card, and "serial": a further code leads to the card
//   POST card/codes/void        hq         {"medium","dead"} → as card, and "voided": no code that was drawn so does
//                                          any more
//   POST card/state             hq         {"medium"} and "state", "expires" (a day number, 0: none), "kind" → the
//                                          same, once it is durable
//   POST member/add, member/edit {fields of docs/http-api.md, "member", "add_cards":[hex…], "remove_cards":[hex…]};
//        member/show {"member"} or {"cards":[hex]} → the member; a store edits and shows
//   POST member/find             {"query"} → {"members":[…],"more"}
//   POST member/merge, member/erase, member/duplicates   hq   {"into","from"}, {"member"}, {}
//   GET  cards/applications     hq         open ones for cards of plastic: {"applications":[…, as docs/http-api.md, and
//                                          "member","name","address"],"unreadable"}
//   POST cards/applications/answer hq      {"account"} and "medium" (made) or "reason" (refused) → the member
//   POST vouchers/send          hq         {"batch","media":[hex, at most 100]}: the members of these cards are sent a
//                                          voucher of the batch each → {"sent":[{"account","voucher","state","why",
//                                          "detail","at"}]}, in order; again: what became of it
//   GET  outbox                 hq         what waits, codes masked: {"messages":[{"id","kind","store","account",
//                                          "ends_in","up_to","at","expires","taken"}],"now"}
//   POST outbox/take            hq         {"max"} → {"messages":[{"id","telephone","text","expires"}]}; each comes
//                                          again after a minute until
//   POST outbox/done            hq         {"id"}: it was delivered; `not_found` when it is forgotten
//   POST carry                  any node   {"messages":[base64…]}, from a stick → {"code","detail","cosignatures",
//                                          "taken":[{"stream","size","fresh","code"}],"cosigned":[base64…]}

class code_office;
class live_mirror;

/// What the calls need besides the node. One per node; outlives the HTTP server. Thread-safe through `mutex`.
struct admin_context {
  node_identity identity;
  public_key signing{};  ///< this node's key, pinned in tokens
  public_key door_key{};
  std::vector<std::string> doors;  ///< as configured; empty: nobody can enrol
  std::string web_address;         ///< "127.0.0.1:8080"
  entropy& random;
  data_layout layout;
  std::function<unix_seconds()> now;
  member_service* members = nullptr;                              ///< null: this node keeps none
  code_office* codes = nullptr;                                   ///< null: this node sends none
  const live_mirror* mirror = nullptr;                            ///< null: there is none
  std::function<signed_certificate(const certificate&)> certify;  ///< with this node's key; REQUIRES: check(c)

  std::mutex mutex;             ///< guards what follows
  std::uint32_t next_node = 0;  ///< 0: not yet read from the records
  std::uint64_t next_account = 0;
  std::string publication;  ///< the one in progress
  unix_seconds publication_seen = 0;
  std::set<account_id> media_changing{};  ///< cards that just now get, or lose, a number or a code
};

using admin_respond = std::function<void(int status, std::string json)>;

inline constexpr std::size_t admin_cards_batch_max = 500;
inline constexpr std::size_t outbox_take_max = 100;
inline constexpr std::uint64_t admin_cards_reserve_max = 1'000'000;

/// Answers one call, now or later from an actor's thread, exactly once; never answers if the node dies meanwhile.
/// `path` is the whole path or what follows "/api/v1/admin/"; `pair` and `tills` are the HTTP interface's own. Bodies
/// above the HTTP server's limit never get here.
void handle_admin(std::string_view method, std::string_view path, std::string_view body, node_facade& node,
                  admin_context& context, admin_respond respond);

/// Takes the next number for an account, durably. `done` may run on an actor's thread.
namespace admin {
void allot_account(node_facade& node, admin_context& context, std::function<void(result<std::uint64_t>)> done);
}

/// Body of a refusal: {"error","message","detail"}.
std::string error_json(const error& e);

}  // namespace tally
