#pragma once
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/entry.hpp"
#include "node/admin_client.hpp"
#include "node/rules_file.hpp"
#include "sync/entropy.hpp"

namespace tally {

// What head office's operator does through the running node; shared by the commands and the demo.

/// The number of a [[card_kind]], 1 to 100, that a text says; "stored_value" is 1. Nothing: it may be a name.
std::optional<std::uint32_t> card_kind_of(std::string_view text);

struct invite_request {
  std::string name;
  node_role role = node_role::store;
  node_id parent{1};
  node_limits limits;
  std::int64_t hours = 24;
  std::vector<std::string> doors;  ///< as the new node reaches them; empty: as head office is configured
  std::uint32_t owner = 1;         ///< the legal entity; a machine that takes a place keeps that node's
  node_id replaces{};              ///< the new machine takes this node's place, with its name, parent and role
};
struct invite_answer {
  node_id node;
  std::string token;
  unix_seconds expires = 0;
  bool name_taken = false;  ///< another node or open invitation has this name
};
result<invite_answer> invite_node(const admin_client& hq, const invite_request& r);
/// Voids the tokens of all open invitations for a node: how many. `not_found` when there is none.
result<std::size_t> cancel_invitations(const admin_client& hq, node_id node);

/// Voids a node's certificate: it is cut off wherever the news has come, and what it writes from now on counts for
/// nothing. Errors: not_found; revoked when it was before.
status revoke_node(const admin_client& hq, node_id node);
/// Closes the current epoch of a node whose disk is gone. Errors: not_found (no such node, or no open epoch).
status close_node_epoch(const admin_client& hq, node_id node);
/// A node closes for good. Errors: not_found; revoked; offline when not all its books are known to be here;
/// not_allowed while others are below it; gap when it wrote meanwhile.
status retire_node(const admin_client& hq, node_id node);
/// A store gets another parent: a region or head office. Errors: not_found, revoked, not_allowed.
status move_node(const admin_client& hq, node_id node, node_id parent);

struct card_answer {
  account_id account;
  std::string state;  ///< name of a `card_status`
  std::uint64_t version = 0;
  std::uint32_t kind = 0;
  std::uint32_t expires = 0;  ///< last date on which it is good; 0: no end
  bool pin = false;           ///< it has one, as far as head office knows
  bool replaced = false;      ///< it is none: another number, or code, took the place of this one
  account_id account_now{};   ///< of the card that it led to before; 0: not known
  amount here = 0;            ///< paid money and deposit that lie at head office; from `look_up_card` alone
};
/// A card by the number on it, or by its account, where nobody has the number any more.
struct card_name {
  std::string number;
  account_id account{};  ///< counts when there is no number
};
/// As head office's node is asked: `medium`, the digest of the number, or `account`.
nlohmann::json named(const std::string& chain, const card_name& card);
/// Only the digest of a card's number reaches head office's node. Errors: unknown_card.
result<card_answer> look_up_card(const admin_client& hq, const std::string& chain, const card_name& card);
/// Every store acts on it from when it hears of it. Errors: unknown_card; not_allowed for a cancelled card.
struct replaced_card {
  std::string number;
  card_answer card;
};
/// Draws a new number and gives it the card's account; the old number is refused from then on. `made` is called with
/// the new number before it is in force. Errors: unknown_card, not_allowed (cancelled, or replaced before), full.
result<replaced_card> replace_card(const admin_client& hq, const std::string& chain, const std::string& number,
                                   const std::string& prefix, entropy& random,
                                   const std::function<status(const std::string& number)>& made);
/// A further QR code that leads to the card, as for a telephone. Errors: unknown_card, not_allowed (cancelled, or not
/// sold yet), full.
struct drawn_code {
  card_answer card;
  std::uint32_t serial = 0;
};
result<drawn_code> draw_card_code(const admin_client& hq, const std::string& chain, const std::string& number);
/// None of the codes that were drawn for the card leads to it any more; the one printed on it does. How many there
/// were.
result<std::size_t> void_card_codes(const admin_client& hq, const std::string& chain, const std::string& number);
/// An open application for a card of plastic.
struct applied_row {
  account_id account, member;
  node_id store;
  std::string since, shown;   ///< "2026-11-27", "**** 9123"
  std::string name, address;  ///< as the member's profile has it now
};
struct applied_list {
  std::vector<applied_row> rows;  ///< oldest first
  std::size_t unreadable = 0;     ///< more are open, and their members' profiles cannot be read
};
result<applied_list> list_applications(const admin_client& hq);
/// Draws a further number for the card; the numbers and codes that lead to it stay good. The caller has seen that an
/// application is open (`list_applications`): no number is drawn for what nobody asked for. `made` is called with the
/// new number before it is in force; after that, `outcome_unknown` says whether it may be. Errors: not_found (no
/// application is open), not_allowed (the card is not in use), full, and those of a prefix.
result<std::string> make_applied_card(const admin_client& hq, const std::string& chain, account_id account,
                                      const std::string& prefix, entropy& random,
                                      const std::function<status(const std::string& number)>& made);
/// The node may have done what it was asked, after this error: it gave no whole answer, or does not know itself.
bool outcome_unknown(errc code);
/// Errors: not_found (no application is open), malformed (the reason).
status refuse_application(const admin_client& hq, account_id account, const std::string& reason);
/// What is to change of a card; what is left out stays.
struct card_change {
  std::string state;
  std::optional<std::uint32_t> expires;  ///< a day number; 0: no end
  std::optional<std::uint32_t> kind;
  std::string pin = {};  ///< "reset", "unlock"
};
/// Books a payment that came to head office, as over a web shop, onto a card; the same payment again is booked once.
/// True: it was booked before. Errors: unknown_card, key_reused (another payment with this reference), and those of a
/// top-up at a till.
struct card_payment {
  amount value{};
  std::string tender = "online", reference;
  std::uint32_t package = 0;
};
result<bool> top_up_card(const admin_client& hq, const std::string& chain, const std::string& number,
                         const card_payment& paid);
/// Pays out what lies at head office of a card that was given back, as far as it owes nothing; the same payment again
/// is booked once. True: it was booked before. Errors: unknown_card, key_reused (another payment with this reference),
/// not_applicable (the card is in use), insufficient (the text says how much can be).
result<bool> pay_out_card(const admin_client& hq, const std::string& chain, const card_name& card,
                          const card_payment& out);
/// Gives units to a card by hand, or takes them from what lies at head office; the same again is done once. Errors:
/// unknown_card, key_reused (another change with this reference), insufficient, and those of units by hand at a till.
struct card_adjustment {
  std::string units;  ///< "300", "-12"; of bonus "5.00"
  std::uint32_t purse{};
  std::string reason, reference;
};
struct adjusted_card {
  bool before = false;  ///< it was done before
  std::string purse;    ///< its English name
};
result<adjusted_card> adjust_card(const admin_client& hq, const std::string& chain, const std::string& number,
                                  const card_adjustment& by_hand);
result<card_answer> change_card(const admin_client& hq, const std::string& chain, const card_name& card,
                                const card_change& change);

/// A run of cards with accounts that follow each other, under a name.
struct card_run {
  std::uint64_t first = 0, count = 0;
  std::uint32_t kind = 1;
  std::string name;
  node_id node;              ///< where they lie, to be sold there also without a line; 0: ordered
  bool closed = false;       ///< that node lives anew: they are to be delivered again
  bool called_back = false;  ///< and that node has not answered yet
};
result<std::vector<card_run>> list_runs(const admin_client& hq);
/// Orders or delivers a run. Errors: not_found (no such store), not_allowed (they lie elsewhere, or were not made).
status allot_run(const admin_client& hq, const card_run& run);
/// Calls a delivered run back; it is free when its node has answered. How many of it are not sold, as far as head
/// office has heard. Errors: not_found, not_allowed.
result<std::uint64_t> recall_run(const admin_client& hq, std::uint64_t first);
/// Takes back what claims of a node's current epoch did, from that entry on, and takes away PINs that it set; those
/// that come later do nothing: how many cards are in use again, and how many have no PIN now.
struct undone_claims {
  std::size_t cards{}, pins{};
};
result<undone_claims> undo_node_claims(const admin_client& hq, node_id node, std::uint64_t from, bool and_later);

status set_node_limits(const admin_client& hq, node_id node, const node_limits& limits);

struct publish_answer {
  std::uint64_t version = 0;
  std::size_t written = 0;  ///< products that were new, changed or withdrawn
};
using progress = std::function<void(std::size_t done, std::size_t total)>;
/// Publishes a checked price list as the next version. Products go first, the rules that put them in force last, so a
/// publication that breaks off changes nothing that is sold. Run again after an error.
result<publish_answer> publish_list(const admin_client& hq, const price_list& list, entropy& random,
                                    const progress& tell = {});

struct card_order {
  std::string chain;
  std::string prefix;  ///< 1 to 8 digits
  std::uint32_t kind = 1;
  std::size_t count = 0;  ///< 1 to 1,000,000
  /// Not empty: the cards are bare chips, known by these media ("uid:…"), `count` of them. No numbers are drawn.
  std::vector<std::string> uids{};
  /// Each number gets 8 covered digits (parse_scratch_number), without which nobody can use it.
  bool scratch = false;
  bool stock = false;                      ///< made, and not sold yet: a store's sale opens each
  std::optional<std::uint32_t> expires{};  ///< last date, a day number; else what the kind's rule says
};
/// The media of a list of chips, one UID a line: 4 to 10 octets in hexadecimal, colons and spaces between them allowed,
/// '#' starts a comment. Errors: `malformed` with the line, also for a UID that comes twice or is drawn at random.
result<std::vector<std::string>> parse_uids(std::string_view text);
struct issued_card {
  std::string number;  ///< 16 digits: prefix, serial number, 4 random digits, check digit; or a chip's "uid:…"
  std::uint64_t account = 0;
};
/// "9704" 17 4821 → 16 digits with their Luhn digit. Nothing when the serial number does not fit.
std::optional<std::string> card_number(std::string_view prefix, std::uint64_t serial, unsigned random4);

/// What head office says of an order before anything of it is made. `kind`: a number or a name of the rules; empty: the
/// only kind that there is. Errors: malformed (no kind is named, and there are several: the text lists them), not_found
/// (no such kind of card, or no such store), key_reused (a batch has that name), bad_amount (a last date that is past).
struct order_answer {
  std::uint32_t kind{};
  std::string kind_name;  ///< empty: the kind that needs no rules
};
result<order_answer> check_order(const admin_client& hq, const std::string& kind, std::optional<std::uint32_t> expires,
                                 const std::string& batch, node_id to);

/// Issues cards in batches; `batch` is called with each one before it is written, so that no card exists of which
/// nobody has the number. Cards of a batch that failed may exist or not.
status issue_cards(const admin_client& hq, const card_order& order, entropy& random,
                   const std::function<status(const std::vector<issued_card>& batch)>& batch, const progress& tell = {},
                   std::uint64_t* first_account = nullptr);

/// Makes the cards of a list that an earlier `issue_cards` drew and perhaps did not finish: how many did not exist yet.
/// `order` says chain, kind, stock and expiry.
/// `list` is in the order in which it was drawn. Errors: `key_reused` when a number or account means something else.
result<std::size_t> resume_cards(const admin_client& hq, const card_order& order, const std::vector<issued_card>& list,
                                 const progress& tell = {});

/// A pairing code for a till of the store that `node` talks to.
result<std::string> pairing_code(const admin_client& node);

}  // namespace tally
