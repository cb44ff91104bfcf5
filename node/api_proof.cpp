#include "devices/raster.hpp"
#include "ledger/kinds.hpp"
#include "node/api.hpp"
#include "node/json_read.hpp"
#include "storage/entry_codec.hpp"
#include "storage/streams.hpp"

namespace tally {
namespace {

/// The row of modules as hexadecimal digits, the leftmost module in the highest bit.
std::string hex_row(const raster& code, std::size_t y) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : byte_view(code.rows).substr(y * code.row_octets(), code.row_octets())) {
    out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(digits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

void write_entry(json_writer& w, const entry& e, const writer_id& writer) {
  w.field("kind", kind_name(e.kind));
  w.field("business_date", date_text(e.business_date));
  w.field("stamp", start_of_day(e.business_date) + e.stamp);
  w.field("terminal", e.terminal);
  w.field("counter", e.counter);
  const bool undoes = e.kind == entry_kind::reverse;
  w.field("paid", undoes ? std::nullopt : std::optional(receipt_paid(e)));
  w.field("account", e.account.value != 0 ? std::optional(e.account.value) : std::nullopt);
  w.field("reverses", undoes && e.cites ? std::optional(receipt_id(writer, *e.cites)) : std::nullopt);
  if (!sells(e.kind)) return;
  // What a till needs to take goods back on the strength of the code.
  w.field("by_card", !e.values.empty());
  w.key("lines");
  w.open('[');
  for (const auto& l : e.lines) {
    w.open('{');
    w.field("product", l.product.value);
    w.field("quantity", l.quantity);
    w.close('}');
  }
  w.close(']');
}

}  // namespace

void write_check(json_writer& w, const receipt_report& r) {
  w.field("id", receipt_id(r.code.writer, r.code.seq));
  w.field("standing", receipt_standing_name(r.standing));
  w.field("node", r.code.writer.node.value);
  w.field("store", r.store);
  w.field("entries", r.entries);
  w.field("hq_cosigned_at", r.cosigned_at != 0 ? std::optional(r.cosigned_at) : std::nullopt);
  w.key("entry");
  const auto e = decode_entry(r.entry);
  if (!e) return w.null();
  w.open('{');
  write_entry(w, *e, r.code.writer);
  w.close('}');
}

void handle_check_receipt(const api_ptr& api, const api_request& r, const call_ptr& call) {
  if (!api->services.check_receipt) return call->finish(refuse(*api, {errc::unsupported, ""}));
  auto body = parse_json(r.body);
  if (!body) return call->finish(refuse(*api, body.error()));
  json_fields f(*body);
  const auto code = f.text("code", receipt_code_text_max);
  if (!f.ok()) return call->finish(refuse(*api, f.problem()));
  auto found = api->services.check_receipt(code);
  if (!found) return call->finish(refuse(*api, found.error()));
  if (found->standing == receipt_standing::other_history)
    api->suspect(errc::bad_proof, "receipt " + receipt_id(found->code.writer, found->code.seq) +
                                      " is signed by its store and is not in the journal that it shipped: a fork");
  json_writer w;
  w.open('{');
  write_check(w, *found);
  w.close('}');
  call->finish(answer(std::move(w)));
}

void handle_receipt_code(const api_ptr& api, std::string_view id, const call_ptr& call) {
  auto name = parse_receipt_id(id);
  auto text =
      name && api->services.prove_receipt ? api->services.prove_receipt(name->writer, name->seq) : std::string();
  auto code = text.empty() ? result<raster>(errc::not_found) : qr_raster(text, 1);
  if (!code) return call->finish(refuse(*api, {errc::not_found, "this receipt has no code"}));
  json_writer w;
  w.open('{');
  w.field("code", text);
  w.field("side", static_cast<std::int64_t>(code->width));
  w.key("rows");
  w.open('[');
  for (std::size_t y = 0; y < code->height; ++y)
    w.value(hex_row(*code, y));
  w.close(']');
  w.close('}');
  call->finish(answer(std::move(w)));
}

}  // namespace tally
