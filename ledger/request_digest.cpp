// By which a request is known that left nothing of itself but that its PIN was wrong.
#include "ledger/decide_parts.hpp"

namespace tally::decide_detail {
namespace {

/// FNV-1a of numbers, 64 bits. Tills ask again for what they asked for; nobody gains by finding another request.
class digest {
public:
  void add(std::uint64_t v) {
    for (int i = 0; i < 8; ++i) {
      now_ ^= v >> (8 * i) & 255;
      now_ *= 0x100000001b3;
    }
  }
  void add(std::int64_t v) { add(static_cast<std::uint64_t>(v)); }
  void add(std::uint32_t v) { add(std::uint64_t{v}); }
  void add(account_id v) { add(v.value); }
  void add(bool v) { add(std::uint64_t{v}); }
  void add(tender_kind v) { add(static_cast<std::uint64_t>(v)); }
  void add(const bytes& text) {
    add(std::uint64_t{text.size()});
    for (char c : text)
      add(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
  }
  void add(const line_item& v) { both(v.product.value, v.quantity); }
  void add(const tender_item& v) { both(v.kind, v.amount); }
  void add(const unit_use& v) { both(v.purse, v.units); }
  void add(const gift_item& v) {
    add(v.purse);
    both(v.product.value, v.quantity);
  }
  template <class T>
  void add(const std::vector<T>& list) {
    add(std::uint64_t{list.size()});
    for (const auto& v : list)
      add(v);
  }
  std::uint64_t value() const { return now_ == 0 ? 1 : now_; }

private:
  template <class A, class B>
  void both(A a, B b) {
    add(a);
    add(b);
  }
  std::uint64_t now_ = 0xcbf29ce484222325;
};

void put(digest& d, const sale_command& c) {
  d.add(c.account);
  d.add(c.lines);
  d.add(c.card);
  d.add(c.tenders);
  d.add(c.uses);
  d.add(c.gifts);
  d.add(c.partial);
}
void put(digest& d, const authorise_command& c) {
  d.add(c.account);
  d.add(c.value);
  d.add(c.seconds);
}
void put(digest& d, const gift_command& c) {
  d.add(c.account);
  d.add(c.to);
  d.add(c.purse);
  d.add(c.units);
}
void put(digest& d, const hand_back_command& c) {
  d.add(c.account);
  d.add(c.paid);
  d.add(c.deposit);
  d.add(c.tender);
}
void put(digest& d, const pin_command& c) {
  d.add(c.account);
  d.add(c.digest);
}
void put(digest& d, const reverse_command& c) { d.add(c.seq); }

}  // namespace

std::uint64_t request_digest(const till_command& c) {
  digest d;
  d.add(std::uint64_t{c.index()});
  std::visit(
      [&](const auto& x) {
        if constexpr (requires { put(d, x); }) put(d, x);
      },
      c);
  return d.value();
}

}  // namespace tally::decide_detail
