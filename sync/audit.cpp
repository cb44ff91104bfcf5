// The course of an audit, and what is read before any entry: identity, list of streams, certificates, cosignatures.
#include "sync/audit.hpp"

#include <algorithm>

#include "sync/audit_parts.hpp"
#include "sync/checkpoint.hpp"
#include "sync/message.hpp"
#include "sync/station.hpp"

namespace tally {
namespace audit_detail {

namespace {
constexpr std::uint64_t progress_every = 4096;
constexpr std::string_view every_check[] = {check_identity, check_certificates, check_streams,      check_tiles,
                                            check_segments, check_sub_streams,  check_cosignatures, check_heads,
                                            check_entries,  check_rules,        check_balance,      check_transfers,
                                            check_prices,   check_projection,   check_observed,     check_totals};
}  // namespace

auditor::auditor(const kv_store& store, const audit_trust& trust, const verifier& with, const audit_options& options)
    : store_(store),
      trust_(trust),
      with_(with),
      options_(options),
      reader_(store),
      book_(trust.chain, trust.root, with) {
  for (auto name : every_check)
    report_.lines.push_back({std::string(name), 0, 0, {}});
}

audit_line& auditor::line(std::string_view check) {
  auto it = std::find_if(report_.lines.begin(), report_.lines.end(), [&](const auto& l) { return l.check == check; });
  invariant(it != report_.lines.end(), "a check is in the list");
  return *it;
}

void auditor::problem(std::string_view check, std::string where, std::optional<sequence> seq, std::string expected,
                      std::string found) {
  auto& l = line(check);
  if (++l.failed <= options_.problems_kept)
    l.problems.push_back({std::move(where), seq, std::move(expected), std::move(found)});
}

void auditor::step() {
  if (++done_ % progress_every == 0 && options_.progress) options_.progress(std::min(done_, total_), total_);
}

std::uint64_t auditor::size_of(const stream_id& id) const {
  auto it = heads_.find(id);
  return it == heads_.end() ? 0 : it->second.size();
}

node_role auditor::role_of(node_id node) const {
  auto it = certificates_.find(node);
  return it == certificates_.end() ? node_role{} : it->second.front().role;
}

bool auditor::is_given_back(const stream_id& id) const {
  return is_own(id.writer) && id.writer != self_ && id.sub != sub_stream::journal && held(id) &&
         reader_.indexed(id) < size_of(id);
}

std::vector<stream_id> auditor::journals() const {
  std::vector<stream_id> out;
  for (const auto& [id, tip] : heads_)
    if (id.sub == sub_stream::journal) out.push_back(id);
  return out;
}

bool auditor::note(const entry_walk& walk) {
  const auto& d = walk.damage();
  if (d && d->code == errc::io && !disk_) disk_ = error{errc::io, d->found};
  return !d;
}

status auditor::read_identity() {
  auto self = reader_.self();
  if (!self) return self.error();
  self_ = *self;
  report_.self = self_;
  line(check_identity).count = 1;
  if (!reader_.size({self_, sub_stream::journal, {}}))
    problem(check_identity, writer_name(self_), {}, "a journal of this node in its epoch", "none");
  return done();
}

status auditor::list_streams() {
  auto c = store_.scan(family::meta, "h");
  for (; c->valid() && c->key().substr(0, 1) == "h"; c->next()) {
    auto id = parse_stream_key(c->key().substr(1));
    auto tip = merkle_frontier::parse(c->value());
    if (!id) {
      problem(check_streams, "head " + to_hex(c->key()), {}, "the name of a stream", "bytes that are none");
    } else if (!tip) {
      problem(check_streams, stream_name(*id), {}, "a frontier",
              std::to_string(c->value().size()) + " octets that are none");
      heads_.emplace(*id, merkle_frontier{});
    } else {
      heads_.emplace(*id, *tip);
    }
  }
  TALLY_TRY(c->state());
  report_.streams = heads_.size();
  for (const auto& [id, tip] : heads_) {
    std::uint64_t passes = id.sub == sub_stream::journal ? 2 : id.sub == sub_stream::directory ? 3 : 1;
    // A damaged size must not wrap what is only an estimate.
    total_ += passes * std::min<std::uint64_t>(tip.size(), std::uint64_t{1} << 40);
    if (id.sub == sub_stream::journal) report_.entries += tip.size();
  }
  return done();
}

void auditor::read_certificates() {
  auto c = store_.scan(family::meta, "k");
  for (; c->valid() && c->key().substr(0, 1) == "k"; c->next()) {
    byte_reader r(c->key().substr(1));
    auto node = r.u32be();
    auto serial = r.u64be();
    found_certificates_.push_back(
        {"certificate " + std::to_string(serial) + " of node " + std::to_string(node), {}, bytes(c->value())});
    auto s = decode_signed_certificate(c->value());
    auto cert = s ? decode_certificate(s->body) : result<certificate>(s.error());
    if (cert && (!r.at_end() || cert->node.value != node || cert->serial != serial))
      problem(check_certificates, found_certificates_.back().where, {}, "the certificate that the key names",
              "certificate " + std::to_string(cert->serial) + " of node " + std::to_string(cert->node.value));
  }
  if (auto s = c->state(); !s.ok()) disk_ = s.error();
}

void auditor::judge_certificates() {
  struct parsed {
    const found_certificate* from;
    signed_certificate s;
    certificate c;
  };
  std::vector<parsed> list;
  std::set<bytes> met;
  for (const auto& f : found_certificates_) {
    if (!met.insert(f.data).second) continue;
    ++line(check_certificates).count;
    auto s = decode_signed_certificate(f.data);
    auto c = s ? decode_certificate(s->body) : result<certificate>(s.error());
    if (c) {
      list.push_back({&f, std::move(*s), std::move(*c)});
    } else {
      problem(check_certificates, f.where, f.seq, "a certificate", c.error().detail);
    }
  }
  // Head office's first, since its keys sign the others.
  std::stable_sort(list.begin(), list.end(), [](const parsed& a, const parsed& b) {
    return std::pair(a.c.node, a.c.serial) < std::pair(b.c.node, b.c.serial);
  });
  for (auto& p : list) {
    auto added = book_.add(p.s);
    if (!added) {
      problem(check_certificates, p.from->where, p.from->seq, "signed under the root key of chain " + trust_.chain,
              std::string(errc_name(added.code())) + ": " + added.error().detail);
      continue;
    }
    certified_.insert(encode(p.s));
    auto& of_node = certificates_[p.c.node];
    of_node.insert(of_node.begin(), std::move(p.c));
  }
  report_.role = role_of(self_.node);
  if (report_.role == node_role{})
    problem(check_certificates, "node " + std::to_string(self_.node.value), {}, "a certificate of this node", "none");
  for (const auto& [id, tip] : heads_)
    if (!certificates_.count(id.writer.node))
      problem(check_certificates, stream_name(id), {}, "a certificate of the writer", "none");
}

void auditor::read_cosignatures() {
  auto& l = line(check_cosignatures);
  std::uint64_t cosigned = 0;
  auto c = store_.scan(family::meta, "c");
  for (; c->valid() && c->key().substr(0, 1) == "c"; c->next()) {
    ++l.count;
    auto decoded = decode_message(c->value());
    const auto* m = decoded ? std::get_if<cosign_message>(&*decoded) : nullptr;
    if (!m) {
      problem(check_cosignatures, "cosignature " + to_hex(c->key()), {}, "a cosignature", "bytes that are none");
      continue;
    }
    byte_writer key;
    key.u8('c');
    key.raw(stream_key(m->stream));
    key.u32be(m->by.value);
    auto who = "the cosignature of node " + std::to_string(m->by.value);
    if (key.view() != c->key())
      problem(check_cosignatures, stream_name(m->stream), {}, "the stream that the key names", who);
    checkpoint head{stream_origin(trust_.chain, m->stream), m->size, m->root, {}};
    auto it = certificates_.find(m->by);
    bool holds =
        it != certificates_.end() && std::any_of(it->second.begin(), it->second.end(), [&](const certificate& cert) {
          return verify_cosignature(with_, cert.signing, head, m->time, m->sign);
        });
    if (!holds) {
      problem(check_cosignatures, stream_name(m->stream), m->size,
              "a signature of node " + std::to_string(m->by.value) + " at this size",
              it == certificates_.end() ? "no certificate of that node" : "one that does not verify");
      continue;
    }
    if (m->stream == stream_id{self_, sub_stream::journal, {}}) cosigned = std::max(cosigned, m->size);
    // An own journal shorter than what a parent holds is an old copy. Of an earlier epoch the node knows that already.
    cited_[m->stream][m->size].push_back({m->root, who, {}, check_cosignatures, m->stream.writer == self_, {}});
  }
  if (auto s = c->state(); !s.ok()) disk_ = s.error();
  auto own = size_of({self_, sub_stream::journal, {}});
  report_.unsigned_tail = own - std::min(own, cosigned);
}

result<audit_report> auditor::run() {
  TALLY_TRY(read_identity());
  TALLY_TRY(list_streams());
  read_certificates();
  for (const auto& [id, tip] : heads_)
    if (id.sub == sub_stream::directory) read_directory(id);
  judge_certificates();
  read_cosignatures();
  if (const auto* rules = catalogue_.newest()) {
    report_.currency = rules->currency;
    report_.exponent = static_cast<int>(rules->exponent);
  }
  fold_own();
  if (report_.role != node_role::store) fold_observed();
  cite_sub_streams();
  ground_ = make_ground(*this);
  for (const auto& [id, tip] : heads_)
    check_stream(id);
  strays();
  bool store = report_.role == node_role::store;
  if (options_.today != 0) report_.today = options_.today;
  totals(store ? own_.balances() : seen_.balances());
  if (store) {
    open_transfers(own_, own_.cells());
  } else {
    open_transfers(seen_, seen_.cells());
  }
  if (disk_) return *disk_;
  if (options_.progress) options_.progress(total_, total_);
  return std::move(report_);
}

}  // namespace audit_detail

bool audit_report::ok() const {
  return std::all_of(lines.begin(), lines.end(), [](const auto& l) { return l.failed == 0; });
}

const audit_line* audit_report::line(std::string_view check) const {
  auto it = std::find_if(lines.begin(), lines.end(), [&](const auto& l) { return l.check == check; });
  return it == lines.end() ? nullptr : &*it;
}

result<audit_report> audit(const kv_store& store, const audit_trust& trust, const verifier& with,
                           const audit_options& options) {
  return audit_detail::auditor(store, trust, with, options).run();
}

}  // namespace tally
