// Records inside entries and on disk: rules, products, members, frontiers, stream names, account and cell keys.
#include "fuzz/fuzz.hpp"
#include "ledger/member_search.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/member_codec.hpp"
#include "storage/merkle.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  if (auto r = decode_rules(in)) {
    fuzz::expect(encode_rules(*r) == in, "rules are written as they were read");
    catalogue c;
    c.add(std::move(*r));
    fuzz::expect(c.newest() != nullptr, "rules are found");
  }
  if (auto p = decode_product(in)) {
    fuzz::expect(encode_product(*p) == in, "a product is written as it was read");
    catalogue c;
    rules_record rules;
    rules.version = p->version;
    rules.taxes.resize(taxes_max, {"A", 100'000});
    c.add(rules);
    auto line = line_item{p->id, quantity_max};
    auto version = p->version;
    c.add(std::move(*p));
    if (auto b = c.price({line, line}, version)) fuzz::expect(b->total >= 0, "a total is not negative");
  }
  if (auto f = merkle_frontier::parse(in)) {
    byte_writer w;
    f->write(w);
    fuzz::expect(w.view() == in, "a frontier is written as it was read");
    (void)f->root();
  }
  if (auto id = parse_stream_key(in)) fuzz::expect(stream_key(*id) == in, "a stream's name is written as it was read");
  if (auto a = parse_balance_key(in)) fuzz::expect(balance_key(*a) == in, "an account key is written as it was read");
  if (auto c = decode_change(in)) {
    fuzz::expect(encode_change(*c) == in, "a member's record is written as it was read");
    member_profile p;
    apply_change(p, *c);
    if (check_member(*c, 2'500))
      for (const auto& t : tokens_of(p))
        fuzz::expect(t.size() > 1, "a token is of something");
  }
  if (auto s = decode_sealed(in)) fuzz::expect(encode_sealed(*s) == in, "sealed data is written as it was read");
  if (auto q = parse_member_query(in)) fuzz::expect(!q->empty(), "a query asks for something");
  (void)parse_cell_key(in);
  (void)decode_cell(in);
  return 0;
}
