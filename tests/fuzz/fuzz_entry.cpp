// One fact has one spelling, and whatever decodes can be judged and expanded.
#include "fuzz/fuzz.hpp"
#include "ledger/fold.hpp"
#include "storage/entry_codec.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  (void)peek_kind(in);
  auto e = decode_entry(in);
  if (!e) return 0;
  fuzz::expect(encode_entry(*e) == in, "an entry is written as it was read");
  writer_id writer{node_id{3}, {{3}}};
  if (auto list = expand(*e, writer)) fuzz::expect(balances(*list), "postings sum to zero");
  memory_state s;
  for (auto role : {node_role::hq, node_role::region, node_role::store}) {
    entry_place place{writer, role, 5, &*e};
    auto postings = judge(*e, place, s);
    if (postings) fuzz::expect(balances(*postings), "judged postings sum to zero");
  }
  apply_directory(*e, s);
  return 0;
}
