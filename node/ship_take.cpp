#include "node/ship_take.hpp"

#include <unistd.h>

#include <iostream>

#include "sync/entry_walk.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

using json = nlohmann::json;
constexpr int busy_attempts_max = 50;
constexpr unsigned busy_wait_us = 200'000;
constexpr std::size_t batch_octets_max = 1'500'000;  // base 64 of it is below what an admin call may carry

error strange() { return {errc::malformed, "the node's answer is not of this version"}; }

result<carried_answer> answer_in(const json& j) {
  carried_answer a;
  auto whole = [](const json& o, const char* name) {
    auto it = o.find(name);
    return it != o.end() && it->is_number_unsigned() ? std::optional(it->get<std::uint64_t>()) : std::nullopt;
  };
  auto code_of = [&](const json& o) {
    auto n = whole(o, "code");
    return n && *n <= static_cast<std::uint64_t>(errc::internal) ? static_cast<errc>(*n) : errc::internal;
  };
  if (!j.contains("taken") || !j["taken"].is_array() || !j.contains("cosigned") || !j["cosigned"].is_array())
    return strange();
  a.code = code_of(j);
  a.detail = j.value("detail", json("")).is_string() ? j.value("detail", std::string()) : "";
  a.cosignatures = whole(j, "cosignatures").value_or(0);
  for (const auto& row : j["taken"]) {
    if (!row.is_object() || !row.value("stream", json()).is_string()) return strange();
    auto id = parse_stream_name(row["stream"].get<std::string>(), "");
    if (!id) return strange();
    a.taken.push_back({*id, whole(row, "size").value_or(0), whole(row, "fresh").value_or(0), code_of(row)});
  }
  for (const auto& item : j["cosigned"]) {
    auto octets = item.is_string() ? from_base64(item.get_ref<const std::string&>(), message_bytes_max) : std::nullopt;
    auto m = octets ? decode_message(*octets) : result<message>(errc::malformed);
    const auto* c = m ? std::get_if<cosign_message>(&*m) : nullptr;
    if (!c) return strange();
    a.cosigned.push_back(*c);
  }
  return a;
}

/// Why a segment was refused, for whoever stands there with a stick.
std::string why(errc code) {
  switch (code) {
    case errc::gap: return "entries before it are missing here; write it again with --all, and ship that";
    case errc::bad_signature:
      return "the signature does not fit: it was changed, made up, or belongs to another history";
    case errc::not_certified: return "no certificate of its writer is known here; bring head office's directory first";
    case errc::not_entitled: return "this node does not take that stream";
    case errc::revoked: return "head office has revoked its writer";
    case errc::malformed: return "its octets are no entries";
    case errc::busy:
      return "the disk of this node is nearly full, or it is a region that has just started and waits to hear of its "
             "neighbours that it is no old copy (tallystick status), or head office is closing its books: then ship "
             "again in some minutes";
    default: return std::string(errc_text(code));
  }
}

/// Takes messages in bundles that the node accepts.
class taker {
public:
  taker(const admin_client& node, const log_data& data) : node_(node), data_(data) {}

  status take(const parcel& p) {
    for (const auto& m : p.messages) {
      // What the sender holds of this node's journal goes with every bundle: an old copy must take nothing.
      if (const auto* w = std::get_if<want_message>(&m)) {
        if (w->stream.writer.node == data_.identity().node && w->stream.sub == sub_stream::journal && own_.size() < 8)
          own_.emplace_back(*w);
        continue;
      }
      const auto* s = std::get_if<segment_message>(&m);
      auto octets = s ? s->seg.payload.size() + 300 : 300;
      auto entries = s ? s->seg.entries : 0;
      bool fits = own_.size() + bundle_.size() < carried_max && entries_ + entries <= segment_entries_max &&
                  octets_ + octets <= batch_octets_max;
      if (!fits) TALLY_TRY(flush());
      octets_ += octets;
      entries_ += entries;
      bundle_.push_back(m);
    }
    return done();
  }

  /// Also with nothing but wants: they are the sender's word on this node.
  status flush() {
    auto what = own_;
    what.insert(what.end(), std::make_move_iterator(bundle_.begin()), std::make_move_iterator(bundle_.end()));
    bundle_.clear();
    octets_ = entries_ = 0;
    if (what.empty()) return done();
    auto a = carry_to(node_, what);
    if (!a) return a.error();
    for (const auto& row : a->taken)
      add(row);
    cosignatures_ += a->cosignatures;
    for (const auto& m : a->cosigned)
      cosigned_[m.stream] = m;
    return done();
  }

  void tell() {
    std::uint64_t fresh = 0;
    for (const auto& [id, s] : streams_) {
      fresh += s.fresh;
      if (s.fresh > 0) std::cout << "  " << stream_name(id) << ": " << s.fresh << " new, " << s.size << " in all\n";
      if (s.code == errc::ok) continue;
      refused_ = true;
      std::cout << "  " << stream_name(id) << ": REFUSED from entry " << s.size << " on: " << why(s.code) << "\n";
    }
    if (cosignatures_ > 0)
      std::cout << "  " << cosignatures_ << (cosignatures_ == 1 ? " cosignature\n" : " cosignatures\n");
    if (fresh == 0 && !refused_) std::cout << "  no new entries: all of it is held already\n";
  }

  take_outcome outcome() const {
    take_outcome out{true, refused_, {}};
    for (const auto& [id, m] : cosigned_)
      out.cosigned.push_back(m);
    return out;
  }
  void refused() { refused_ = true; }

private:
  struct progress {
    std::uint64_t size = 0, fresh = 0;
    errc code = errc::ok;
  };
  void add(const carried_answer::row& row) {
    auto& s = streams_[row.stream];
    s.size = std::max(s.size, row.size);
    s.fresh += row.fresh;
    // Behind a refused segment the next ones only miss it.
    if (row.code != errc::ok && s.code == errc::ok) s.code = row.code;
  }

  const admin_client& node_;
  const log_data& data_;
  std::vector<message> own_, bundle_;
  std::size_t octets_ = 0, entries_ = 0;
  std::map<stream_id, progress> streams_;
  std::map<stream_id, cosign_message> cosigned_;
  std::uint64_t cosignatures_ = 0;
  bool refused_ = false;
};

}  // namespace

result<carried_answer> carry_to(const admin_client& node, const std::vector<message>& what) {
  json list = json::array();
  for (const auto& m : what)
    list.push_back(to_base64(encode_message(m)));
  for (int attempt = 1;; ++attempt) {
    auto j = node.post("carry", {{"messages", list}});
    if (!j) return j.error();
    auto a = answer_in(*j);
    if (!a) return a.error();
    if (a->code == errc::ok) return a;
    if (a->code != errc::busy || attempt == busy_attempts_max) return error{a->code, a->detail};
    ::usleep(busy_wait_us);
  }
}

result<take_outcome> take_shipment(const admin_client& node, const stick_shipment& from, const certificate_book& book,
                                   const log_data& data) {
  auto self = data.identity().node;
  if (!is_above(book, from.from, self) && !is_above(book, self, from.from))
    return error{errc::not_allowed, from.dir.string() + ": node " + std::to_string(from.from.value) +
                                        " is neither above nor below this node; nothing of it was taken"};
  if (from.files.empty()) return error{errc::not_found, from.dir.string() + " is empty"};
  std::cout << "From node " << from.from.value << ", " << from.dir.string() << "\n";
  taker t(node, data);
  std::array<std::uint8_t, 8> shipment{};
  bool any = false;
  for (std::size_t n = 1; n <= from.files.size(); ++n) {
    auto p = read_parcel(from, n, data.identity().believes.chain, shipment);
    if (!p) {
      std::cout << "  " << from.files[n - 1].filename().string() << ": REFUSED: " << p.error().detail
                << "; nothing from there on was taken\n";
      t.refused();
      break;
    }
    any = true;
    TALLY_TRY(t.take(*p));
  }
  TALLY_TRY(t.flush());
  t.tell();
  auto out = t.outcome();
  out.any = any;
  return out;
}

}  // namespace tally
