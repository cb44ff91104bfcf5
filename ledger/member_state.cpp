#include "ledger/member_state.hpp"

#include <algorithm>

namespace tally {
namespace {

constexpr char octet_erased = 1;

cell_key claims_key(const writer_id& w, account_id member) {
  return {.type = cell_type::profile_claims, .a = member.value, .b = 0, .writer = w, .peer = {}};
}
cell_key published_key(const writer_id& w, account_id member) {
  return {.type = cell_type::claim_published, .a = member.value, .b = 0, .writer = w, .peer = {}};
}

void put_sequence(bytes& out, sequence v) {
  for (int i = 0; i < 8; ++i)
    out += static_cast<char>(v >> (8 * i) & 0xff);
}
sequence sequence_at(byte_view data, std::size_t at) {
  sequence v = 0;
  for (std::size_t i = 8; i-- > 0;)
    v = v << 8 | static_cast<std::uint8_t>(data[at + i]);
  return v;
}

void put_member(state& s, account_id member, const member_record& r) {
  bytes data(view_of(r.epoch.value));
  put_sequence(data, r.at);
  data += r.erased ? octet_erased : '\0';
  s.put(member_cell(member), {static_cast<std::int64_t>(r.version), std::move(data)});
}

}  // namespace

cell_key open_claim_key(const writer_id& w, sequence seq, bool answered) {
  return {.type = cell_type::open_claim, .a = seq, .b = answered ? 1U : 0U, .writer = w, .peer = {}};
}

cell_key member_cell(account_id member) {
  return {.type = cell_type::member, .a = member.value, .b = 0, .writer = {}, .peer = {}};
}

std::optional<member_record> member_of(const state& s, account_id member) {
  auto c = s.find(member_cell(member));
  if (!c || c->data.size() != 17) return std::nullopt;
  member_record r{static_cast<std::uint64_t>(c->n), {}, sequence_at(c->data, 8), c->data[16] == octet_erased};
  std::copy_n(c->data.begin(), 8, r.epoch.value.begin());
  return r;
}

void note_erased(state& s, account_id member) {
  auto r = member_of(s, member).value_or(member_record{});
  r.erased = true;
  put_member(s, member, r);
}

claim_record claims_of(const state& s, const writer_id& w, account_id member) {
  claim_record out;
  auto c = s.find(claims_key(w, member));
  if (!c) return out;
  out.newest = static_cast<std::uint64_t>(c->n);
  for (std::size_t i = 0; i + 8 <= c->data.size(); i += 8)
    out.last.push_back(sequence_at(c->data, i));
  return out;
}

sequence claims_published(const state& s, const writer_id& w, account_id member) {
  return static_cast<sequence>(number(s, published_key(w, member)));
}

namespace fold_detail {

status check_member_entry(const entry& e, const entry_place& p, const state& s) {
  if (e.kind == entry_kind::profile_claim) {
    auto last = claims_of(s, p.writer, e.account).newest;
    if (e.serial == last + 1) return done();
    return error{errc::gap, "claim number " + std::to_string(e.serial) + " after " + std::to_string(last)};
  }
  // Members are many, and a watcher keeps what it watches in memory: head office's own fold is the judge of these.
  if (p.watched) return done();
  auto known = member_of(s, e.account);
  auto name = [&] { return "member " + std::to_string(e.account.value); };
  if (known && known->erased) return error{errc::not_allowed, name() + " was erased, which is for good"};
  if (e.kind == entry_kind::erase_member)
    return known ? done() : status(error{errc::not_found, "there is no " + name()});
  if ((e.subject == writer_id{}) == e.cites.has_value()) return error{errc::malformed, "a profile cites a claim"};
  auto version = known ? known->version : 0;
  if (e.account_version != version + 1)
    return error{errc::gap, "version " + std::to_string(e.account_version) + " of " + name() + " after " +
                                std::to_string(version)};
  return done();
}

void apply_member_entry(const entry& e, const entry_place& p, state& s) {
  if (e.kind == entry_kind::profile_claim) {
    auto r = claims_of(s, p.writer, e.account);
    bytes data;
    if (!p.watched) {
      r.last.push_back(p.seq);
      for (auto i = r.last.size() > claims_kept_max ? r.last.size() - claims_kept_max : 0; i < r.last.size(); ++i)
        put_sequence(data, r.last[i]);
    } else if (auto early = open_claim_key(p.writer, p.seq, true); s.find(early)) {
      s.erase(early);
    } else {
      s.put(open_claim_key(p.writer, p.seq, false), {static_cast<std::int64_t>(e.account.value), {}});
    }
    s.put(claims_key(p.writer, e.account), {static_cast<std::int64_t>(e.serial), std::move(data)});
  } else if (e.kind == entry_kind::profile && p.watched) {
    // In whichever order a watcher meets the two, nothing is left when it has seen both.
    if (!e.cites) return;
    if (auto open = open_claim_key(e.subject, *e.cites, false); s.find(open)) {
      s.erase(open);
    } else {
      s.put(open_claim_key(e.subject, *e.cites, true), {static_cast<std::int64_t>(e.account.value), {}});
    }
  } else if (e.kind == entry_kind::profile) {
    put_member(s, e.account, {e.account_version, p.writer.epoch, p.seq, false});
    if (e.cites && *e.cites + 1 > claims_published(s, e.subject, e.account))
      s.put(published_key(e.subject, e.account), {static_cast<std::int64_t>(*e.cites + 1), {}});
  } else if (e.kind == entry_kind::erase_member && !p.watched) {
    note_erased(s, e.account);
  }
}

}  // namespace fold_detail
}  // namespace tally
