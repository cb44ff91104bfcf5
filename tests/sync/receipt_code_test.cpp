#include "sync/receipt_code.hpp"

#include <catch2/catch.hpp>

#include <random>

#include "storage/entry_codec.hpp"
#include "storage/sha256.hpp"
#include "sync/audit_chain.hpp"
#include "sync/receipt_signer.hpp"
#include "sync/tlog_proof.hpp"

using namespace tally;
using tally::test::audit_chain;
using tally::test::chain_node;

namespace {

stream_log::parts parts_of(chain_node& n) {
  return {n.store, *n.certificates, n.keys.get(), std::string(audit_chain::name), n.id};
}

/// The code that a store prints for its entry.
receipt_code code_of(chain_node& n, sequence seq) {
  const stream_reader reader(n.store);
  const auto data = reader.own_entry(n.writer(), seq);
  const auto root = root_at(seq + 1, reader.nodes(n.journal(), {n.id, {}}));
  REQUIRE(data.ok());
  REQUIRE(root.ok());
  return sign_receipt(*n.keys, audit_chain::name, n.writer(), seq, *root, *data);
}

sequence newest(chain_node& n) { return stream_reader(n.store).size(n.journal()) - 1; }

receipt_standing standing(chain_node& at, const receipt_code& code) {
  const auto found = check_receipt(parts_of(at), to_text(code));
  INFO((found ? std::string() : found.error().detail));
  REQUIRE(found.ok());
  return found->standing;
}

}  // namespace

TEST_CASE("a receipt's code is what its store signed, and one text", "[sync][receipt_code]") {
  audit_chain c;
  c.history();
  auto& store = c.node(3);
  const auto code = code_of(store, newest(store));
  const auto text = to_text(code);
  CHECK(text.starts_with("TALLYR2."));
  CHECK(text.size() <= receipt_code_text_max);
  CHECK(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == text.npos);
  CHECK(*parse_receipt_code(text) == code);
  CHECK(to_text(code_of(store, newest(store))) == text);
  CHECK(verify_receipt(code, audit_chain::name, store.keys->key(), c.with()).ok());
  CHECK(verify_receipt(code, "another", store.keys->key(), c.with()).code() == errc::bad_signature);
  CHECK(verify_receipt(code, audit_chain::name, c.node(4).keys->key(), c.with()).code() == errc::bad_signature);
  // Anybody's verifier reads it as a checkpoint, and links it to a newer head by a proof of consistency.
  const note_key key{receipt_head(code, audit_chain::name).origin, note_algorithm::ed25519, store.keys->key()};
  const auto note = receipt_note(code, audit_chain::name, store.keys->key());
  const auto open = verify_note_of({key, {}, {}}, note, c.with());
  REQUIRE(open.ok());
  CHECK(open->head.size == code.seq + 1);
  c.sell_for_cash(3, 1);
  auto log = stream_log::open(parts_of(store), store.journal());
  const auto now = log->head();
  const consistency_file f{code.seq + 1, *log->consistency(code.seq + 1, now->head.size), log->note(*now, {})};
  CHECK(verify_consistency_file({key, {}, {}}, f, note, c.with()).ok());
}

TEST_CASE("no octet of a code can be changed", "[sync][receipt_code]") {
  audit_chain c;
  c.history();
  const auto text = to_text(code_of(c.node(3), newest(c.node(3))));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto bad = text;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    const auto found = check_receipt(parts_of(c.node(3)), bad);
    INFO(i);
    REQUIRE_FALSE(found.ok());
    CHECK((found.code() == errc::malformed || found.code() == errc::bad_signature ||
           found.code() == errc::not_certified));
  }
  for (const auto& bad : {std::string(), std::string("TALLYR2."), text.substr(0, text.size() - 1), text + "A",
                          "TALLYR1:" + text.substr(8), text + std::string(500, 'A')})
    CHECK(check_receipt(parts_of(c.node(3)), bad).code() == errc::malformed);
}

TEST_CASE("what a code is worth grows as the ledger travels", "[sync][receipt_code]") {
  audit_chain c;
  c.history();
  c.sync();
  auto &hq = c.node(1), &store = c.node(3);
  c.sell_for_cash(3, 2);
  const auto code = code_of(store, newest(store));
  CHECK(standing(store, code) == receipt_standing::held);
  CHECK(standing(hq, code) == receipt_standing::signed_only);
  // What it says is known even where the entry is not.
  const auto early = check_receipt(parts_of(hq), to_text(code));
  CHECK(decode_entry(early->entry)->kind == entry_kind::sale);
  CHECK(early->entries == code.seq);
  CHECK_FALSE(early->store.empty());
  c.sync();
  CHECK(standing(hq, code) == receipt_standing::cosigned);
  CHECK(standing(store, code) == receipt_standing::cosigned);
  CHECK(check_receipt(parts_of(store), to_text(code))->cosigned_at > 0);
  // Every receipt of the past as well.
  for (sequence seq = 0; seq <= code.seq; ++seq)
    CHECK(standing(hq, code_of(store, seq)) == receipt_standing::cosigned);
  // Another store's node does not hold it and still knows that it is genuine.
  CHECK(standing(c.node(4), code) == receipt_standing::signed_only);
}

TEST_CASE("a store that signed another history is found out by its customer's paper", "[sync][receipt_code]") {
  audit_chain c;
  c.history();
  c.sync();
  auto& store = c.node(3);
  const auto code = code_of(store, newest(store));
  auto root = code.root;
  root[0] ^= 1;
  CHECK(standing(c.node(1), sign_receipt(*store.keys, audit_chain::name, code.writer, code.seq, root, code.entry)) ==
        receipt_standing::other_history);
  auto entry = code.entry;
  entry.back() = static_cast<char>(entry.back() ^ 1);
  CHECK(standing(c.node(1), sign_receipt(*store.keys, audit_chain::name, code.writer, code.seq, code.root, entry)) ==
        receipt_standing::other_history);
  // An old copy of the store's data does not reach as far as the paper.
  CHECK(standing(store, sign_receipt(*store.keys, audit_chain::name, code.writer, code.seq + 9, root, entry)) ==
        receipt_standing::signed_only);
}

TEST_CASE("what the old disk of a replaced store may have signed since is good only where it is held",
          "[sync][receipt_code]") {
  audit_chain c;
  c.history();
  c.sync();
  auto &hq = c.node(1), &store = c.node(3), &other = c.node(4);
  const auto code = code_of(store, newest(store));
  const auto* now = c.node(1).certificates->find(store.id).value();
  for (auto* n : {&hq, &other})  // all that it wrote stands, its keys count no more
    REQUIRE(n->certificates->revoke({store.id, now->epoch, every_entry, now->serial}).ok());
  CHECK(standing(hq, code) == receipt_standing::cosigned);
  CHECK(standing(other, code) == receipt_standing::revoked);
}

TEST_CASE("a long entry is in its code as a hash", "[sync][receipt_code]") {
  audit_chain c;
  c.history();
  auto& store = c.node(3);
  for (const std::size_t size : {receipt_entry_max, receipt_entry_max + 1, std::size_t{60'000}}) {
    const bytes entry(size, 'x');
    const auto code = sign_receipt(*store.keys, audit_chain::name, store.writer(), ~sequence{0} - 1, {}, entry);
    CHECK(code.entry.size() == (size > receipt_entry_max ? 0 : size));
    CHECK(code.leaf == merkle_leaf(entry));
    const auto text = to_text(code);
    CHECK(text.size() <= receipt_code_text_max);
    CHECK(*parse_receipt_code(text) == code);
  }
}

TEST_CASE("codes are the same in whatever order they are asked for", "[sync][receipt_code]") {
  audit_chain c;
  c.history();
  auto& store = c.node(3);
  receipt_signer receipts(store.store, *store.keys, std::string(audit_chain::name));
  std::mt19937 random(7);
  std::size_t signed_ones = 0;
  for (int day = 0; day < 12; ++day) {
    for (int n = 0; n < 30; ++n)
      c.sell_for_cash(3, 1);
    const auto size = newest(store) + 1;
    for (int n = 0; n < 200; ++n) {
      // Mostly the newest, in any order; now and then an old one.
      const auto seq = n % 10 == 0 ? random() % size : size - 1 - random() % std::min<sequence>(size, 20);
      const auto code = receipts.sign(store.writer(), seq);
      if (!code) {
        CHECK(code.code() == errc::not_found);
        continue;
      }
      ++signed_ones;
      CHECK(to_text(*code) == to_text(code_of(store, seq)));
    }
  }
  CHECK(signed_ones > 1'000);
  CHECK(receipts.sign(store.writer(), newest(store) + 1).code() == errc::not_found);
  // A new one begins anywhere.
  receipt_signer fresh(store.store, *store.keys, std::string(audit_chain::name));
  CHECK(to_text(*fresh.sign(store.writer(), newest(store))) == to_text(code_of(store, newest(store))));
}
