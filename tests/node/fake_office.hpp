#pragma once
#include <map>
#include <mutex>
#include <tuple>

#include "actors/facade.hpp"
#include "ledger/fold.hpp"
#include "ledger/kinds.hpp"
#include "node/enrolment.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "storage/memory_kv.hpp"
#include "storage/streams.hpp"

namespace tally::test {

/// Head office's node as the node layer sees it, without actors: facts are kept, certificates reach the store.
class fake_office final : public node_facade {
public:
  bool remembers = true;  ///< false: the next record is not written
  bool writes = true;     ///< false: facts are refused with `io`
  bool silent = false;    ///< no callback comes at all
  std::function<void()> meanwhile;
  std::vector<entry> written;
  std::map<std::string, bytes, std::less<>> notes;
  std::shared_ptr<node_snapshot> shown = std::make_shared<node_snapshot>();

  fake_office() { shown->rules = std::make_shared<catalogue>(); }

  void put_certificate(const signed_certificate& s) {
    auto c = decode_certificate(s.body);
    kv_batch b;
    b.put(family::meta, certificate_key(c->node, c->serial), encode(s));
    invariant(store_.commit(b, true).ok(), "a store in memory");
  }

  /// A fact of the directory, as the real one has it in its store.
  void learn(const entry& e) {
    apply_directory(e, known_);
    kv_batch b;
    for (const auto& [k, c] : known_.cells())
      b.put(family::state, cell_key_bytes(k), encode_cell(c));
    invariant(store_.commit(b, true).ok(), "a store in memory");
  }

  void put_cells(const memory_state& st) {
    kv_batch b;
    for (const auto& [k, c] : st.cells())
      b.put(family::state, cell_key_bytes(k), encode_cell(c));
    invariant(store_.commit(b, true).ok(), "a store in memory");
  }

  std::vector<std::tuple<writer_id, sequence, std::string, unix_seconds>> acknowledged;
  void acknowledge_difference(const writer_id& w, sequence seq, std::string reason, unix_seconds now,
                              std::function<void(status)> done) override {
    acknowledged.emplace_back(w, seq, std::move(reason), now);
    done(writes ? tally::done() : status(error{errc::not_found, "none"}));
  }
  void till(till_command, std::string, std::function<void(const till_answer&)>) override {}
  void facts(std::vector<entry> list, std::function<void(const facts_answer&)> done) override {
    if (silent) return;
    if (!writes) return done({0, errc::io, "no", 0, 0});
    if (meanwhile) {  // somebody else was first
      std::exchange(meanwhile, nullptr)();
      return done({0, errc::key_reused, "used", 0, 0});
    }
    for (auto& e : list) {
      if (e.kind == entry_kind::certify) put_certificate(*decode_signed_certificate(e.blob));
      written.push_back(std::move(e));
    }
    done({0, errc::ok, "", 0, list.size()});
  }
  void carry(std::vector<message>, std::function<void(const carried_answer&)> done) override {
    carried_answer a;
    a.code = errc::unsupported;
    done(a);
  }
  void ask_elsewhere(account_id) override {}
  std::optional<elsewhere_hint> elsewhere(account_id) const override { return std::nullopt; }
  void returned_mark(const writer_id&, sequence, std::function<void(bool)> done) override { done(false); }
  bool print(const std::string&, std::vector<bytes>) override { return false; }
  std::shared_ptr<const node_snapshot> snapshot() const override { return shown; }
  device_states devices() const override { return {}; }
  event_bus& events() override { return events_; }
  const kv_store& store() const override { return store_; }
  /// A journal of its own, as on its disk.
  void keep_journal(const writer_id& w, const std::vector<entry>& list) {
    kv_view view(store_);
    stream_writer writer(view);
    for (const auto& e : list) {
      const auto* row = row_of(e.kind);
      writer.append_own({w, sub_stream::journal, {}}, encode_entry(e),
                        row && row->broadcast ? std::optional(stream_id{w, sub_stream::directory, {}}) : std::nullopt);
    }
    writer.flush();
    invariant(store_.commit(view.seal(), true).ok(), "a store in memory");
    view.settled();
  }
  void remember(std::string key, std::optional<bytes> value, std::function<void(bool)> done) override {
    if (silent) return;
    if (remembers) {
      kv_batch b;  // where the real one keeps it, for whoever walks over the records
      value ? b.put(family::meta, "n" + key, *value) : b.erase(family::meta, "n" + key);
      invariant(store_.commit(b, true).ok(), "a store in memory");
      value ? (void)(notes[key] = *value) : (void)notes.erase(key);
    }
    if (done) done(remembers);
  }
  std::optional<bytes> recall(std::string_view key) const override {
    auto it = notes.find(key);
    return it == notes.end() ? std::nullopt : std::optional(it->second);
  }

private:
  memory_kv store_;
  memory_state known_;
  event_bus events_;
};

}  // namespace tally::test
