#pragma once
// What the fuzzers of connections share: streams of which only sizes matter, and drawing from the input.
#include <algorithm>
#include <memory>

#include "fuzz/fuzz.hpp"
#include "sync/counted_source.hpp"

namespace tally::fuzz {

inline const writer_id above_id{{1}, {{1}}}, below_id{{7}, {{7}}}, below_before{{7}, {{6}}}, cousin_id{{9}, {{9}}};
inline const stream_id journal{below_id, sub_stream::journal, {}},
    journal_before{below_before, sub_stream::journal, {}}, directory{above_id, sub_stream::directory, {}},
    grants{above_id, sub_stream::addressed, {7}}, of_above{above_id, sub_stream::journal, {}},
    of_cousin{cousin_id, sub_stream::journal, {}}, to_cousin{cousin_id, sub_stream::addressed, {9}};

/// Reads choices from the input; zeros once it has ended.
class chooser {
public:
  explicit chooser(byte_view in) : in_(in) {}
  bool done() const { return in_.empty(); }
  std::uint8_t octet() {
    if (in_.empty()) return 0;
    auto c = static_cast<std::uint8_t>(in_[0]);
    in_.remove_prefix(1);
    return c;
  }
  std::size_t below(std::size_t n) { return octet() % n; }
  byte_view some(std::size_t max) {
    auto n = std::min<std::size_t>({octet(), max, in_.size()});
    auto v = in_.substr(0, n);
    in_.remove_prefix(n);
    return v;
  }
  /// Sizes at and around what matters, and at the far end.
  std::uint64_t size_near(std::uint64_t n) {
    switch (below(8)) {
      case 0: return 0;
      case 1: return n;
      case 2: return n + 1;
      case 3: return n == 0 ? 0 : n - 1;
      case 4: return n / 2;
      case 5: return UINT64_MAX;
      case 6: return UINT64_MAX / 2;
      default: return octet();
    }
  }

private:
  byte_view in_;
};

/// As in the tests; what a session asks for is durable.
class counted_source final : public test::counted_source {
public:
  counted_source() { cut = 3, octets = 100; }
  result<segment> next_segment(const stream_id& id, std::uint64_t from, std::size_t entries_max) const override {
    expect(from < size(id) && entries_max > 0, "nothing is asked for that is not durable");
    return test::counted_source::next_segment(id, from, entries_max);
  }
};

/// Every message that goes out is one that the other side can read, and none is over the bound.
inline void check_sendable(const message& m) {
  auto wire = encode_message(m);
  expect(wire.size() <= message_bytes_max, "a message within its bound");
  auto back = decode_message(wire);
  expect(back.ok() && encode_message(*back) == wire, "what is sent can be read");
}

}  // namespace tally::fuzz
