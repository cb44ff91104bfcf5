// Goods that come back, of a sale of this store or of another, what one member gives to another, and units by hand.
#include "node/api_request.hpp"
#include "node/reason.hpp"
#include "storage/entry_codec.hpp"
#include "sync/text.hpp"
#include "sync/voucher_code.hpp"

namespace tally {
namespace {

/// Goods back as a till asks for them, of whichever store's sale.
struct goods_request {
  till_key key;
  receipt_name name;  ///< of a sale of this store, unless there is a code
  std::string proof;  ///< text of a receipt's code, or empty
  const std::vector<json_value>* list = nullptr;
  std::vector<line_item> lines;
  bool to_card = false;
  tender_kind tender = tender_kind::cash;
  std::optional<refund_elsewhere_command> elsewhere;

  till_command command() && {
    if (!elsewhere) return refund_command{key, name.seq, std::move(lines), to_card, tender};
    elsewhere->key = key;
    elsewhere->lines = std::move(lines);
    elsewhere->to_card = to_card;
    elsewhere->tender = tender;
    return std::move(*elsewhere);
  }
};

void read_goods(json_fields& f, goods_request& q) {
  auto proof = f.maybe_text("proof", receipt_code_text_max);
  q.proof = proof.value_or("");
  if (auto id = f.maybe_text("receipt", 64)) {
    auto name = parse_receipt_id(*id);
    if (!name) f.fail("receipt", "must be the id of a receipt");
    q.name = name.value_or(receipt_name{});
    if (!q.proof.empty())
      f.fail("receipt", "is of a sale of this store; proof is the code of any store's: one of them");
  } else if (q.proof.empty()) {
    f.fail("receipt", "must be the id of a receipt of this store, or else proof the code of any store's");
  }
  q.list = &f.list("lines");
  auto to = f.text("to", 16);
  if (f.ok() && to != "card" && to != "cash" && to != "bank") f.fail("to", "must be card, cash or bank");
  q.to_card = to == "card";
  q.tender = to == "bank" ? tender_kind::bank : tender_kind::cash;
}

/// The sale that a code proves, if it may be taken back on the strength of it.
result<refund_elsewhere_command> proven_sale(const api_context& api, const std::string& proof) {
  if (!api.services.check_receipt) return error{errc::unsupported, "codes of receipts are not checked here"};
  auto report = api.services.check_receipt(proof);
  if (!report) return report.error();
  if (report->standing == receipt_standing::other_history)
    return error{errc::bad_proof, "the ledger has something else in that place"};
  if (report->standing == receipt_standing::revoked) return error{errc::revoked, "that store's key was revoked"};
  if (report->entry.empty())
    return error{errc::not_found, "the sale is too long for its code, and its store's ledger is not here"};
  auto sale = decode_entry(report->entry);
  if (!sale) return error{errc::not_reversible, "only goods of a sale are refunded"};
  refund_elsewhere_command c;
  c.writer = report->code.writer;
  c.seq = report->code.seq;
  c.sale = std::move(*sale);
  c.evidence = report->entry;
  return c;
}

}  // namespace

void handle_refund(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  till_call<goods_request>(
      api, terminal, r, call,
      [](json_fields& f, goods_request& q) -> card_text {
        read_goods(f, q);
        return std::nullopt;
      },
      [&](goods_request& q) -> std::optional<error> {
        if (auto wrong = take_lines(*api, *q.list, q)) return wrong;
        if (q.proof.empty()) return not_own(*api, q.name);
        auto sale = proven_sale(*api, q.proof);
        if (!sale) return sale.error();
        // A code of this store's own is as good as the number.
        q.name = {sale->writer, sale->seq};
        if (sale->writer != api->services.node.snapshot()->self) q.elsewhere = std::move(*sale);
        return std::nullopt;
      });
}

void handle_gift(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  std::string_view from, to;
  till_call<gift_command>(
      api, terminal, r, call,
      [&](json_fields& f, gift_command& c) -> card_text {
        from = f.text("card", card_text_max);
        to = f.text("to", card_text_max);
        c.purse = static_cast<std::uint32_t>(f.maybe_integer("purse", 1, purse_id_max).value_or(purse_paid));
        // A voucher's code says itself what it is.
        auto code = looks_like_voucher_code(from) ? find_card(*api, from) : result<known_card>(error{});
        if (code && c.purse == purse_paid) c.purse = code->bearer.purse;
        c.units = code ? f.maybe_integer("units", 1, amount_max).value_or(code->bearer.units)
                       : f.number("units", 1, amount_max);
        return from;
      },
      [&](gift_command& c) -> std::optional<error> {
        auto taker = find_card(*api, to);
        if (!taker) return taker.error();
        if (taker->bearer.units != 0) return error{errc::not_applicable, "a voucher is given nothing"};
        remember_card(*api, taker->account, taker->masked);
        c.to = taker->account;
        return not_once(*api, from);
      });
}

void handle_adjustment(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  std::string_view card;
  till_call<adjust_command>(
      api, terminal, r, call,
      [&](json_fields& f, adjust_command& c) -> card_text {
        card = f.text("card", card_text_max);
        c.purse = static_cast<std::uint32_t>(f.number("purse", 2, purse_id_max));
        c.units = f.number("units", -amount_max, amount_max);
        c.reason = f.text("reason", note_max);
        if (f.ok() && !is_reason(c.reason)) f.fail("reason", "must be text that says why");
        return card;
      },
      [&](const adjust_command&) { return not_once(*api, card); });
}

}  // namespace tally
