#include "node/api_lines.hpp"

#include <limits>

#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/streams.hpp"

namespace tally {
namespace {

/// The rules under which barcodes of a request are read: those of its entry if it was executed before, so that
/// the same request means the same products for ever, else today's.
std::uint64_t version_for(const api_context& api, const node_snapshot& s, const till_key& k) {
  durable_state st(api.services.node.store());
  if (auto seq = st.answered({s.self, k.terminal, k.counter})) {
    auto data = stream_reader(api.services.node.store()).own_entry(s.self, *seq);
    if (data)
      if (auto e = decode_entry(*data)) return e->rules_version;
  }
  return s.rules->version_at(s.business_date);
}

}  // namespace

lines_result read_lines(const api_context& api, const till_key& key, const std::vector<json_value>& list) {
  lines_result out;
  if (list.size() > lines_max) return {{}, error{errc::bad_basket, "more than 200 lines"}};
  std::shared_ptr<const node_snapshot> s;
  std::uint64_t version = 0;
  out.lines.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    json_fields f(list[i], "lines[" + std::to_string(i) + "].");
    line_item line;
    auto id = f.maybe_integer("product", 1, std::numeric_limits<std::uint32_t>::max());
    auto ean = f.maybe_text("ean", 32);
    line.quantity = f.number("quantity", 1, open_amount_max);
    if (!id && !ean) f.fail("product", "or ean is missing");
    if (id && ean) f.fail("product", "and ean must not both be there");
    f.only_these();
    if (!f.ok()) return {{}, f.problem()};
    if (line.quantity < 1 || line.quantity > open_amount_max)
      return {
          {},
          error{errc::bad_basket, "lines[" + std::to_string(i) + "].quantity must be from 1 to 9999, of an amount to " +
                                      std::to_string(open_amount_max)}};
    if (id) {
      line.product.value = static_cast<std::uint32_t>(*id);
    } else {
      if (!s) {
        s = api.services.node.snapshot();
        version = version_for(api, *s, key);
      }
      const auto* p = s->rules->find_ean(*ean, version);
      if (!p) return {{}, error{errc::unknown_product, "the barcode of lines[" + std::to_string(i) + "]"}};
      line.product = p->id;
    }
    out.lines.push_back(line);
  }
  return out;
}

std::optional<error> read_units(const std::vector<json_value>& uses, const std::vector<json_value>& gifts,
                                sale_command& c) {
  if (uses.size() > purse_id_max) return error{errc::malformed, "uses: too many"};
  if (gifts.size() > gifts_max) return error{errc::bad_basket, "more than 50 gifts"};
  for (std::size_t i = 0; i < uses.size(); ++i) {
    json_fields f(uses[i], "uses[" + std::to_string(i) + "].");
    unit_use u;
    u.purse = static_cast<std::uint32_t>(f.integer("purse", 2, purse_id_max));
    u.units = f.integer("units", 1, amount_max);
    f.only_these();
    if (!f.ok()) return f.problem();
    c.uses.push_back(u);
  }
  for (std::size_t i = 0; i < gifts.size(); ++i) {
    json_fields f(gifts[i], "gifts[" + std::to_string(i) + "].");
    gift_item g;
    g.purse = static_cast<std::uint32_t>(f.integer("purse", 2, purse_id_max));
    g.product.value = static_cast<std::uint32_t>(f.integer("product", 1, std::numeric_limits<std::uint32_t>::max()));
    g.quantity = f.integer("quantity", 1, quantity_max);
    f.only_these();
    if (!f.ok()) return f.problem();
    c.gifts.push_back(g);
  }
  return std::nullopt;
}

}  // namespace tally
