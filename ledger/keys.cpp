#include "ledger/keys.hpp"

namespace tally {
namespace {

// Differences between sequences of one block are small, so they are kept as zigzag varints. The encoding of entries is
// above this folder.
void put_number(bytes& out, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7)
    out += static_cast<char>(static_cast<unsigned char>(v) | 0x80U);
  out += static_cast<char>(v);
}
bool take_number(byte_view& in, std::uint64_t& v) {
  v = 0;
  for (unsigned i = 0; i < 10 && i < in.size(); ++i) {
    auto b = static_cast<unsigned char>(in[i]);
    v |= static_cast<std::uint64_t>(b & 0x7f) << (7 * i);
    if (b & 0x80) continue;
    in.remove_prefix(i + 1);
    return true;
  }
  return false;
}

cell_key newest_key(const writer_id& w, std::uint32_t terminal) {
  return {.type = cell_type::last_counter, .a = terminal, .b = 0, .writer = w, .peer = {}};
}
cell_key older_key(const writer_id& w, std::uint32_t terminal, std::uint64_t block) {
  return {.type = cell_type::answered, .a = terminal, .b = block % key_blocks, .writer = w, .peer = {}};
}

/// Answers of one block. An older cell may still hold a block that the window left behind.
key_answers answers_of(const state& s, const key_use& k, std::uint64_t block) {
  auto newest = s.find(newest_key(k.writer, k.terminal));
  if (newest && static_cast<std::uint64_t>(newest->n) / key_block == block)
    return decode_answers(newest->data).value_or(key_answers{});
  auto older = s.find(older_key(k.writer, k.terminal, block));
  if (!older || static_cast<std::uint64_t>(older->n) != block) return {};
  return decode_answers(older->data).value_or(key_answers{});
}

}  // namespace

bytes encode_answers(const key_answers& a) {
  bytes out;
  out += static_cast<char>(a.used & 255);
  out += static_cast<char>(a.used >> 8);
  sequence before = 0;
  for (std::size_t i = 0; i < key_block; ++i) {
    if ((a.used >> i & 1) == 0) continue;
    auto step = a.seq[i] - before;  // wraps, and the reader's sum wraps back
    put_number(out, step << 1 ^ (step >> 63 ? ~std::uint64_t{0} : 0));
    before = a.seq[i];
  }
  return out;
}

std::optional<key_answers> decode_answers(byte_view data) {
  if (data.size() < 2) return std::nullopt;
  key_answers a;
  a.used = static_cast<std::uint16_t>(static_cast<unsigned char>(data[0]) | static_cast<unsigned char>(data[1]) << 8);
  data.remove_prefix(2);
  sequence before = 0;
  for (std::size_t i = 0; i < key_block; ++i) {
    std::uint64_t step = 0;
    if ((a.used >> i & 1) == 0) continue;
    if (!take_number(data, step)) return std::nullopt;
    before += step >> 1 ^ (~(step & 1) + 1);
    a.seq[i] = before;
  }
  if (!data.empty()) return std::nullopt;
  return a;
}

std::uint64_t state::newest_counter(const writer_id& w, std::uint32_t terminal) const {
  return static_cast<std::uint64_t>(number(*this, newest_key(w, terminal)));
}

std::optional<sequence> state::answered(const key_use& k) const {
  auto newest = newest_counter(k.writer, k.terminal);
  if (k.counter > newest || newest - k.counter >= key_window) return std::nullopt;
  auto a = answers_of(*this, k, k.counter / key_block);
  auto i = k.counter % key_block;
  return a.used >> i & 1 ? std::optional(a.seq[i]) : std::nullopt;
}

void state::set_answered(const key_use& k, sequence seq) {
  auto newest = find(newest_key(k.writer, k.terminal)).value_or(cell{});
  auto last = static_cast<std::uint64_t>(newest.n);
  auto block = k.counter / key_block, last_block = last / key_block;
  if (k.counter < last && last - k.counter >= key_window) return;  // contested: the window does not come back for it
  // The block of the newest makes room for a newer one.
  if (block > last_block && !newest.data.empty())
    put(older_key(k.writer, k.terminal, last_block), {static_cast<std::int64_t>(last_block), std::move(newest.data)});
  auto a = answers_of(*this, k, block);
  a.used = static_cast<std::uint16_t>(a.used | 1U << k.counter % key_block);
  a.seq[k.counter % key_block] = seq;
  if (block >= last_block) {
    put(newest_key(k.writer, k.terminal), {static_cast<std::int64_t>(std::max(last, k.counter)), encode_answers(a)});
  } else {
    put(older_key(k.writer, k.terminal, block), {static_cast<std::int64_t>(block), encode_answers(a)});
  }
}

}  // namespace tally
