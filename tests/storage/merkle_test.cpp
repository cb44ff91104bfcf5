#include "storage/merkle.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <random>
#include <thread>

#include "storage/sha256.hpp"

using namespace tally;

namespace {

std::string hex(const hash256& h) { return to_hex(view_of(h)); }

bytes unhex(std::string_view text) {
  bytes out(text.size() / 2, '\0');
  REQUIRE(from_hex(text, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
  return out;
}

/// RFC 9162 §2.1.1 word for word, as the measure of everything else.
hash256 mth(std::span<const hash256> leaves) {
  if (leaves.empty()) return sha256({});
  if (leaves.size() == 1) return leaves[0];
  const auto k = std::bit_floor(leaves.size() - 1);
  return merkle_node(mth(leaves.first(k)), mth(leaves.subspan(k)));
}

/// RFC 9162 §2.1.3.1 word for word.
merkle_proof path(std::size_t m, std::span<const hash256> leaves) {
  if (leaves.size() <= 1) return {};
  const auto k = std::bit_floor(leaves.size() - 1);
  auto proof = m < k ? path(m, leaves.first(k)) : path(m - k, leaves.subspan(k));
  proof.push_back(m < k ? mth(leaves.subspan(k)) : mth(leaves.first(k)));
  return proof;
}

/// RFC 9162 §2.1.4.1 word for word.
merkle_proof subproof(std::size_t m, std::span<const hash256> leaves, bool whole) {
  if (m == leaves.size()) return whole ? merkle_proof{} : merkle_proof{mth(leaves)};
  const auto k = std::bit_floor(leaves.size() - 1);
  auto proof = m <= k ? subproof(m, leaves.first(k), whole) : subproof(m - k, leaves.subspan(k), false);
  proof.push_back(m <= k ? mth(leaves.subspan(k)) : mth(leaves.first(k)));
  return proof;
}

std::vector<hash256> numbered_leaves(std::size_t n) {
  std::vector<hash256> out;
  for (std::size_t i = 0; i < n; ++i)
    out.push_back(merkle_leaf("entry " + std::to_string(i)));
  return out;
}

node_reader reader_of(std::span<const hash256> leaves) {
  return [leaves](unsigned level, std::uint64_t index, hash256& out) {
    const auto width = std::size_t{1} << level;
    if ((index + 1) * width > leaves.size()) return false;
    out = mth(leaves.subspan(static_cast<std::size_t>(index) * width, width));
    return true;
  };
}

hash256 flipped(hash256 h) {
  h[13] ^= 0x20;
  return h;
}

const std::array<std::string_view, 8> reference_entries{
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
const std::array<std::string_view, 9> reference_roots{
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

std::vector<hash256> reference_leaves() {
  std::vector<hash256> out;
  for (auto entry : reference_entries)
    out.push_back(merkle_leaf(unhex(entry)));
  return out;
}

}  // namespace

TEST_CASE("SHA-256 gives the values of FIPS 180-4", "[storage][sha256]") {
  CHECK(hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hex(sha256(bytes(1'000'000, 'a'))) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("hashing works on many threads at once", "[storage][sha256]") {
  const auto expected = mth(numbered_leaves(200));
  std::array<hash256, 4> roots{};
  {
    std::vector<std::jthread> threads;
    for (auto& root : roots)
      threads.emplace_back([&root] { root = mth(numbered_leaves(200)); });
  }
  for (const auto& root : roots)
    CHECK(root == expected);
}

TEST_CASE("roots equal the RFC 6962 reference", "[storage][merkle]") {
  const auto leaves = reference_leaves();
  merkle_frontier f;
  CHECK(hex(f.root()) == reference_roots[0]);
  for (std::size_t n = 1; n <= 8; ++n) {
    f.append(leaves[n - 1]);
    CHECK(f.size() == n);
    CHECK(hex(f.root()) == reference_roots[n]);
    CHECK(hex(root_at(n, reader_of(leaves)).value()) == reference_roots[n]);
  }
  CHECK(hex(root_at(0, reader_of({})).value()) == reference_roots[0]);
}

TEST_CASE("proofs equal the RFC 6962 reference", "[storage][merkle]") {
  const auto leaves = reference_leaves();
  auto texts = [](const merkle_proof& proof) {
    std::vector<std::string> out;
    for (const auto& h : proof)
      out.push_back(hex(h));
    return out;
  };
  using list = std::vector<std::string>;
  CHECK(texts(inclusion_proof(0, 8, reader_of(leaves)).value()) ==
        list{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
             "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"});
  CHECK(texts(inclusion_proof(5, 8, reader_of(leaves)).value()) ==
        list{"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
             "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"});
  CHECK(texts(consistency_proof(6, 8, reader_of(leaves)).value()) ==
        list{"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
             "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
             "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"});
  CHECK(texts(consistency_proof(2, 5, reader_of(leaves)).value()) ==
        list{"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
             "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"});
}

TEST_CASE("every proof of every size to 300 is the RFC's and verifies", "[storage][merkle]") {
  const auto leaves = numbered_leaves(300);
  // Subtrees are looked up, not computed each time, or this test would take minutes.
  std::map<std::pair<unsigned, std::uint64_t>, hash256> known;
  for (unsigned level = 0; level < 9; ++level)
    for (std::uint64_t i = 0; (i + 1) << level <= 300; ++i)
      REQUIRE(reader_of(leaves)(level, i, known[{level, i}]));
  const node_reader reader = [&](unsigned level, std::uint64_t index, hash256& out) {
    auto at = known.find({level, index});
    if (at == known.end()) return false;
    out = at->second;
    return true;
  };
  std::vector<hash256> roots{sha256({})};
  merkle_frontier f;
  std::size_t wrong = 0;
  for (std::size_t n = 1; n <= 300; ++n) {
    const auto log = std::span(leaves).first(n);
    f.append(leaves[n - 1]);
    roots.push_back(mth(log));
    REQUIRE(f.root() == roots[n]);
    REQUIRE(root_at(n, reader).value() == roots[n]);
    REQUIRE(frontier_at(n, reader).value() == f);
    const bool compare = n < 40 || n % 37 == 0 || n == 256 || n == 257 || n == 300;  // the RFC's recursion is slow
    for (std::size_t m = 0; m < n; ++m) {
      const auto proof = inclusion_proof(m, n, reader).value();
      if (!verify_inclusion(leaves[m], m, n, proof, roots[n])) ++wrong;
      if (compare && proof != path(m, log)) ++wrong;
    }
    for (std::size_t m = 0; m <= n; ++m) {
      const auto proof = consistency_proof(m, n, reader).value();
      if (!verify_consistency(m, roots[m], n, roots[n], proof)) ++wrong;
      if (compare && m > 0 && proof != subproof(m, log, true)) ++wrong;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("a changed inclusion proof is refused", "[storage][merkle]") {
  const std::size_t n = GENERATE(1u, 2u, 3u, 7u, 8u, 31u, 33u);
  const auto leaves = numbered_leaves(n);
  const auto root = mth(leaves);
  for (std::size_t m = 0; m < n; ++m) {
    INFO("leaf " << m << " of " << n);
    const auto good = inclusion_proof(m, n, reader_of(leaves)).value();
    REQUIRE(verify_inclusion(leaves[m], m, n, good, root));
    CHECK_FALSE(verify_inclusion(flipped(leaves[m]), m, n, good, root));
    CHECK_FALSE(verify_inclusion(leaves[m], m, n, good, flipped(root)));
    CHECK_FALSE(verify_inclusion(leaves[m], n, n, good, root));
    CHECK_FALSE(verify_inclusion(leaves[m], m, 0, good, root));
    for (std::size_t other = 0; other < n; ++other)
      if (other != m) CHECK_FALSE(verify_inclusion(leaves[m], other, n, good, root));
    auto longer = good;
    longer.push_back(root);
    CHECK_FALSE(verify_inclusion(leaves[m], m, n, longer, root));
    for (std::size_t i = 0; i < good.size(); ++i) {
      auto bad = good;
      bad[i] = flipped(bad[i]);
      CHECK_FALSE(verify_inclusion(leaves[m], m, n, bad, root));
      bad = good;
      bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(i));
      CHECK_FALSE(verify_inclusion(leaves[m], m, n, bad, root));
    }
  }
}

TEST_CASE("a changed consistency proof is refused", "[storage][merkle]") {
  const std::size_t n = GENERATE(2u, 3u, 7u, 8u, 21u, 32u);
  const auto leaves = numbered_leaves(n);
  const auto root = mth(leaves);
  for (std::size_t m = 1; m < n; ++m) {
    INFO("from " << m << " to " << n);
    const auto old_root = mth(std::span(leaves).first(m));
    const auto good = consistency_proof(m, n, reader_of(leaves)).value();
    REQUIRE(verify_consistency(m, old_root, n, root, good));
    CHECK_FALSE(verify_consistency(m, flipped(old_root), n, root, good));
    CHECK_FALSE(verify_consistency(m, old_root, n, flipped(root), good));
    CHECK_FALSE(verify_consistency(n, old_root, m, root, good));
    CHECK_FALSE(verify_consistency(m, old_root, n, root, {}));
    auto longer = good;
    longer.push_back(root);
    CHECK_FALSE(verify_consistency(m, old_root, n, root, longer));
    for (std::size_t i = 0; i < good.size(); ++i) {
      auto bad = good;
      bad[i] = flipped(bad[i]);
      CHECK_FALSE(verify_consistency(m, old_root, n, root, bad));
      bad = good;
      bad.erase(bad.begin() + static_cast<std::ptrdiff_t>(i));
      CHECK_FALSE(verify_consistency(m, old_root, n, root, bad));
    }
  }
}

TEST_CASE("a rewritten history has no consistency proof", "[storage][merkle]") {
  auto leaves = numbered_leaves(100);
  const auto old_root = mth(std::span(leaves).first(60));
  leaves[17] = merkle_leaf("another entry");
  const auto proof = consistency_proof(60, 100, reader_of(leaves)).value();
  CHECK_FALSE(verify_consistency(60, old_root, 100, mth(leaves), proof));
}

TEST_CASE("consistency at the edges", "[storage][merkle]") {
  const auto leaves = numbered_leaves(5);
  const auto root = mth(leaves), empty = sha256({});
  CHECK(verify_consistency(0, empty, 5, root, {}));
  CHECK_FALSE(verify_consistency(0, root, 5, root, {}));
  CHECK_FALSE(verify_consistency(0, empty, 5, root, leaves));
  CHECK(verify_consistency(0, empty, 0, empty, {}));
  CHECK(verify_consistency(5, root, 5, root, {}));
  CHECK_FALSE(verify_consistency(5, root, 5, flipped(root), {}));
  CHECK_FALSE(verify_consistency(5, root, 5, root, leaves));
  CHECK(consistency_proof(6, 5, reader_of(leaves)).code() == errc::bad_proof);
  CHECK(inclusion_proof(5, 5, reader_of(leaves)).code() == errc::not_found);
  CHECK(root_at(6, reader_of(leaves)).code() == errc::not_found);
  CHECK(frontier_at(6, reader_of(leaves)).code() == errc::not_found);
  CHECK(inclusion_proof(0, 6, reader_of(leaves)).code() == errc::not_found);
  CHECK(consistency_proof(2, 6, reader_of(leaves)).code() == errc::not_found);
  // Sizes at the far end of 64 bits neither loop nor verify.
  const auto most = ~std::uint64_t{0};
  CHECK_FALSE(verify_inclusion(root, most - 1, most, leaves, root));
  CHECK_FALSE(verify_consistency(most - 1, root, most, root, leaves));
}

TEST_CASE("a frontier reads back and goes on where it stopped", "[storage][merkle]") {
  const auto leaves = numbered_leaves(300);
  merkle_frontier whole;
  for (std::size_t n = 0; n <= 300; ++n) {
    byte_writer w;
    whole.write(w);
    auto again = merkle_frontier::parse(w.view());
    REQUIRE(again.ok());
    REQUIRE(*again == whole);
    REQUIRE(again->root() == whole.root());
    if (n == 300) break;
    again->append(leaves[n]);
    whole.append(leaves[n]);
    REQUIRE(*again == whole);
  }
}

TEST_CASE("frontier bytes that are not canonical are refused", "[storage][merkle]") {
  merkle_frontier f;
  for (const auto& leaf : numbered_leaves(7))
    f.append(leaf);
  byte_writer w;
  f.write(w);
  const bytes good = w.take();
  REQUIRE(good.size() == 1 + 3 * 32);
  REQUIRE(merkle_frontier::parse(good).ok());
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK(merkle_frontier::parse(byte_view(good).substr(0, n)).code() == errc::malformed);
  CHECK(merkle_frontier::parse(good + '\0').code() == errc::malformed);
  CHECK(merkle_frontier::parse(unhex("8700") + good.substr(1)).code() == errc::malformed);
  CHECK(merkle_frontier::parse(unhex("ffffffffffffffffff01")).code() == errc::malformed);
}

TEST_CASE("kept tiles and the leaves of one tile rebuild every hash", "[storage][merkle]") {
  const std::size_t n = (1u << 16) + 256 * 3 + 77;
  merkle_frontier f;
  std::map<std::pair<unsigned, std::uint64_t>, hash256> kept;
  std::vector<hash256> leaves;
  std::map<std::size_t, hash256> roots;
  std::vector<merkle_subtree> full;
  for (std::size_t i = 0; i < n; ++i) {
    leaves.push_back(merkle_leaf(std::to_string(i)));
    full.clear();
    f.append(leaves.back(), full);
    REQUIRE(full.size() == ((i + 1) % 65536 == 0 ? 2u : (i + 1) % 256 == 0 ? 1u : 0u));
    for (const auto& tile : full)
      kept[{tile.level, tile.index}] = tile.hash;
    if (i + 1 == n || (i + 1) % 1021 == 0 || (i + 1) % 4096 == 0) roots[i + 1] = f.root();
  }
  REQUIRE(kept.size() == (n >> 8) + (n >> 16));
  std::size_t leaves_asked_max = 0, bad_requests = 0;
  const auto reader = tile_reader(
      [&](unsigned level, std::uint64_t index, hash256& out) {
        auto at = kept.find({level, index});
        if (at == kept.end()) return false;
        out = at->second;
        return true;
      },
      [&](std::uint64_t first, std::span<hash256> out) {
        leaves_asked_max = std::max(leaves_asked_max, out.size());
        if (first + out.size() > n || first / 256 != (first + out.size() - 1) / 256) ++bad_requests;
        std::copy_n(leaves.begin() + static_cast<std::ptrdiff_t>(first), out.size(), out.begin());
        return true;
      });
  for (const auto& [size, root] : roots)
    REQUIRE(root_at(size, reader).value() == root);
  CHECK(frontier_at(n, reader).value() == f);
  for (std::size_t i = 0; i < n; i += 977)
    REQUIRE(verify_inclusion(leaves[i], i, n, inclusion_proof(i, n, reader).value(), roots[n]));
  for (const auto& [size, root] : roots)
    REQUIRE(verify_consistency(size, root, n, roots[n], consistency_proof(size, n, reader).value()));
  CHECK(leaves_asked_max <= 128);
  CHECK(bad_requests == 0);
  kept.erase({8, 5});
  CHECK(inclusion_proof(4 * 256, n, reader).code() == errc::not_found);
}

TEST_CASE("a run of leaves joins its log at any place", "[merkle]") {
  const auto leaves = numbered_leaves(1500);
  std::mt19937 dice(7);
  for (int round = 0; round < 60; ++round) {
    auto first = round < 20 ? static_cast<std::size_t>(round) : dice() % 1200;
    auto end = first + dice() % (leaves.size() - first + 1);
    merkle_frontier one_by_one, at_once;
    std::vector<merkle_subtree> tiles, more;
    for (std::size_t i = 0; i < first; ++i) {
      one_by_one.append(leaves[i], tiles);
      at_once.append(leaves[i]);
    }
    tiles.clear();
    merkle_run run(first);
    for (auto i = first; i < end; ++i) {
      one_by_one.append(leaves[i], tiles);
      run.append(leaves[i]);
    }
    REQUIRE(run.first() == first);
    REQUIRE(run.end() == end);
    REQUIRE(run.subtrees().size() <= 24);
    at_once.append(run, more);
    REQUIRE(at_once == one_by_one);
    REQUIRE(at_once.root() == mth(std::span(leaves).first(end)));
    auto in_order = [](const merkle_subtree& a, const merkle_subtree& b) {
      return std::pair(a.level, a.index) < std::pair(b.level, b.index);
    };
    std::sort(tiles.begin(), tiles.end(), in_order);
    std::sort(more.begin(), more.end(), in_order);
    REQUIRE(more == tiles);
  }
}
