// Journals in order: every entry judged and applied, once as its writer did and once as whoever watches it does.
#include <algorithm>

#include "ledger/closing.hpp"
#include "ledger/kinds.hpp"
#include "ledger/risk.hpp"
#include "ledger/ruling.hpp"
#include "sync/audit_parts.hpp"
#include "sync/returned_goods.hpp"

namespace tally::audit_detail {
namespace {

cell_key contested_count(const writer_id& w) {
  return {.type = cell_type::counters, .a = 1, .b = 0, .writer = w, .peer = {}};
}

/// The line under which a verdict is reported.
std::string_view check_of(errc why) {
  switch (why) {
    case errc::unbalanced:
    case errc::insufficient:
    case errc::no_quota:
    case errc::overflow: return check_balance;
    case errc::gap:
    case errc::bad_proof: return check_transfers;
    default: return check_rules;
  }
}

}  // namespace

std::optional<entry> auditor::entry_at(const stream_id& id, sequence seq) {
  if (seq >= size_of(id)) return std::nullopt;
  auto data = reader_.entry_of(id, seq, self_);
  if (!data) return std::nullopt;
  auto e = decode_entry(*data);
  if (!e) return std::nullopt;
  return std::move(*e);
}

/// Own journals, each behind the one that its first entry names as its predecessor.
std::vector<stream_id> auditor::own_epochs() {
  std::vector<stream_id> left, out;
  std::map<stream_id, std::optional<stream_id>> before;
  for (const auto& id : journals()) {
    if (!is_own(id.writer)) continue;
    auto first = entry_at(id, 0);
    before[id] = first && first->head ? std::optional(first->head->stream) : std::nullopt;
    left.push_back(id);
  }
  while (!left.empty()) {
    auto next = std::find_if(left.begin(), left.end(), [&](const stream_id& id) {
      return !before[id] || std::find(left.begin(), left.end(), *before[id]) == left.end();
    });
    if (next == left.end()) next = left.begin();  // a circle: cannot be honest, and any order shows it
    out.push_back(*next);
    left.erase(next);
  }
  return out;
}

/// The directory of that life, and of those that followed it and of which a head office on a backup has no more: each
/// closes the one before with its first entry.
std::vector<stream_id> auditor::directories_behind(writer_id life) {
  std::map<writer_id, stream_id> next;
  for (const auto& [id, tip] : heads_) {
    if (id.sub != sub_stream::directory || !is_own(id.writer) || held({id.writer, sub_stream::journal, {}})) continue;
    auto first = entry_at(id, 0);
    if (first && first->kind == entry_kind::close_epoch) next.emplace(first->subject, id);
  }
  std::vector<stream_id> out{{life, sub_stream::directory, {}}};
  for (auto it = next.find(life); it != next.end() && out.size() <= next.size(); it = next.find(life)) {
    out.push_back(it->second);
    life = it->second.writer;
  }
  return out;
}

void auditor::fold_own() {
  bool store = report_.role == node_role::store;
  for (const auto& id : own_epochs()) {
    fold_journal(id, 0, size_of(id), own_, false, store);
    for (const auto& directory : directories_behind(id.writer)) {
      if (!is_given_back(directory)) continue;
      learned_[directory] = reader_.indexed(directory);
      learn_until(directory, size_of(directory), own_);
    }
  }
  for (const auto& [id, tip] : heads_)
    if (id.sub == sub_stream::directory && !is_own(id.writer) && learned_[id] != tip.size())
      problem(check_projection, stream_name(id), learned_[id], "everything that is held of the directory is adopted",
              "adopted up to " + std::to_string(learned_[id]) + " of " + std::to_string(tip.size()));
  if (own_complete_) {
    compare_own();
  } else {
    problem(check_projection, stream_name({self_, sub_stream::journal, {}}), {}, "a whole journal to compare with",
            "a damaged one");
  }
}

void auditor::fold_observed() {
  std::map<writer_id, std::uint64_t> positions;
  auto c = store_.scan(family::state, "p");
  for (; c->valid() && c->key().substr(0, 1) == "p"; c->next()) {
    byte_reader key(c->key().substr(1)), value(c->value());
    auto w = read_writer(key);
    auto n = value.uv();
    stream_id id{w, sub_stream::journal, {}};
    if (!key.at_end() || !value.at_end()) {
      problem(check_observed, "position " + to_hex(c->key()), {}, "a position", "bytes that are none");
    } else if (n > size_of(id)) {
      problem(check_observed, stream_name(id), {}, "a position up to " + std::to_string(size_of(id)),
              std::to_string(n));
    }
    if (key.ok() && value.ok()) positions[w] = n;
  }
  if (auto s = c->state(); !s.ok()) disk_ = s.error();
  // This node's lives in their order: a later one of head office may close a life once more, for its successor.
  auto all = own_epochs();
  for (const auto& id : journals())
    if (!is_own(id.writer)) all.push_back(id);
  for (const auto& id : all)
    fold_journal(id, 0, std::min(positions[id.writer], size_of(id)), seen_, true, true);
  if (seen_complete_) {
    compare_observed();
  } else {
    problem(check_observed, writer_name(self_), {}, "whole journals to compare with", "a damaged one");
  }
  for (const auto& id : all)
    fold_journal(id, std::min(positions[id.writer], size_of(id)), size_of(id), seen_, true, true);
  check_returns(all);
  if (report_.role != node_role::hq) return;
  check_codes();
  check_credits();
  check_lapses();
}

/// What all stores together took with the code of a voucher: at most what head office put behind it.
void auditor::check_codes() {
  struct sums {
    amount granted = 0, taken = 0;
    std::vector<std::pair<writer_id, sequence>> at_risk;
  };
  std::map<std::uint64_t, sums> all;
  seen_.each_code([&](const cell_key& k, const cell& c) {
    auto& s = all[k.a];
    auto& sum = k.b == 1 ? s.granted : s.taken;
    if (!checked_add(sum, c.n, sum)) sum = INT64_MAX;
    if (k.b == 0)
      for (auto seq : takings_in(c.data))
        s.at_risk.emplace_back(k.writer, seq);
  });
  for (const auto& [account, s] : all) {
    ++line(check_rules).count;
    if (s.taken <= s.granted) continue;
    // One loss, wherever the code was shown: rulings about uses that took as much of it are about all of them.
    amount ruled = 0;
    for (const auto& [w, seq] : s.at_risk) {
      auto e = ruling_of(own_, w, seq) ? entry_at({w, sub_stream::journal, {}}, seq) : std::nullopt;
      if (e && !checked_add(ruled, units_at_risk(*e), ruled)) ruled = INT64_MAX;
    }
    for (const auto& [w, seq] : s.at_risk) {
      if (ruling_of(own_, w, seq) || ruled >= s.taken - s.granted) {
        ++report_.ruled;
      } else {
        problem(check_rules, stream_name({w, sub_stream::journal, {}}), seq,
                "at most " + std::to_string(s.granted) + " taken with the code of voucher " + std::to_string(account),
                std::to_string(s.taken) + " at all stores together");
      }
    }
  }
}

/// Goods of one sale that several stores took back: all of them together at most what was sold.
void auditor::check_returns(const std::vector<stream_id>& journals) {
  std::set<std::pair<writer_id, sequence>> sales;
  seen_.each_returned([&](const writer_id& seller, sequence seq) { sales.emplace(seller, seq); });
  for (const auto& [seller, seq] : sales) {
    stream_id id{seller, sub_stream::journal, {}};
    auto sale = std::ranges::find(journals, id) == journals.end() ? std::nullopt : entry_at(id, seq);
    if (!sale) continue;
    ++line(check_rules).count;
    check_evened(journals, seller, seq, *sale);
    std::map<product_id, std::int64_t> sold;
    for (const auto& l : sale->lines)
      sold[l.product] += l.quantity;
    cell_key reversed{.type = cell_type::reversed, .a = seq, .b = 0, .writer = seller, .peer = {}};
    bool all = seen_.find(reversed).has_value();
    for (auto [product, pieces] : sold) {
      cell_key k{.type = cell_type::refunded, .a = seq, .b = product.value, .writer = seller, .peer = {}};
      auto own = all ? pieces : number(seen_, k);
      std::int64_t others = 0;
      k.peer = seller;
      for (const auto& other : journals) {
        k.writer = other.writer;
        if (!checked_add(others, number(seen_, k), others)) others = INT64_MAX;
      }
      if (others <= pieces - own) continue;
      if (ruling_of(own_, seller, seq)) {
        ++report_.ruled;
      } else {
        problem(check_rules, stream_name(id), seq,
                "at most " + std::to_string(pieces) + " pieces of product " + std::to_string(product.value) +
                    " back, at all stores together",
                std::to_string(own) + " at its store and " + std::to_string(others) + " elsewhere");
      }
      break;
    }
  }
  check_large_rulings(journals);
}

// What head office put back since stores rounded each by itself: no more than rounding can come to, at any time.
void auditor::check_evened(const std::vector<stream_id>& journals, const writer_id& seller, sequence seq,
                           const entry& sale) {
  auto put = seen_.find(evened_key(seller, seq, evened_part::put_back));
  auto paid = seen_.find(evened_key(seller, seq, evened_part::paid_evened));
  if (!put && !paid) return;
  std::vector<writer_id> writers;
  for (const auto& id : journals)
    writers.push_back(id.writer);
  auto back = returned_of(seen_, writers, seller, seq, sale);
  auto check = [&](std::uint32_t purse, amount n, amount most) {
    if (n >= 0 && n <= most) return;
    problem(check_prices, stream_name({seller, sub_stream::journal, {}}), seq,
            "at most " + std::to_string(most) + " of purse " + std::to_string(purse) +
                " put back by head office since several stores took its goods back",
            std::to_string(n));
  };
  for (const auto& v : put ? parse_owed_text(put->data).units : std::vector<value_item>{})
    check(v.purse, v.amount, uneven_most(back, sale, v.purse, v.bucket));
  std::map<std::uint32_t, amount> sums;
  for (const auto& v : paid ? parse_owed_text(paid->data).units : std::vector<value_item>{})
    if (auto& sum = sums[v.purse]; v.amount < 0 || !checked_add(sum, v.amount, sum)) sum = INT64_MAX;
  // Prices alone are asked of it here; it is made anew when all was read.
  if (!sums.empty() && !ground_) ground_ = make_ground(*this);
  for (const auto& [purse, sum] : sums)
    check(purse, sum, uneven_paid_most(*ground_->everything(), back, sale, purse));
}

/// What head office credited once is never too little: what came back before was not credited, what came back later is
/// taken back.
void auditor::check_credits() {
  seen_.each_owing([&](const writer_id& w, sequence seq, byte_view text) {
    if (!seen_.find({.type = cell_type::credited, .a = seq, .b = 0, .writer = w, .peer = {}})) return;
    for (const auto& v : parse_owed_text(text).units)
      if (v.amount > 0)
        problem(check_prices, stream_name({w, sub_stream::journal, {}}), seq,
                "all that it owed, credited by head office",
                std::to_string(v.amount) + " of purse " + std::to_string(v.purse) + " less");
  });
}

void auditor::fold_journal(const stream_id& id, std::uint64_t from, std::uint64_t until, state& s, bool observed,
                           bool report) {
  entry_walk walk(store_, id, self_.node, from, until);
  auto role = role_of(id.writer.node);
  while (auto item = walk.next()) {
    fold_entry({id.writer, role, item->seq, nullptr, observed}, id, item->data, s, observed, report);
    step();
  }
  if (!note(walk)) (observed ? seen_complete_ : own_complete_) = false;
}

void auditor::fold_entry(const entry_place& at, const stream_id& id, byte_view data, state& s, bool observed,
                         bool report) {
  auto e = decode_entry(data);
  if (report) look_at(id, at.seq, data, e ? &*e : nullptr);
  auto contest = [&] {
    if (observed) s.put(contested_count(at.writer), {number(s, contested_count(at.writer)) + 1, {}});
  };
  if (!e) {
    if (report && e.code() == errc::unsupported) ++report_.unknown_kinds;
    if (report && e.code() != errc::unsupported)
      problem(check_entries, stream_name(id), at.seq, "an entry in canonical form", e.error().detail);
    contest();
    if (observed)
      s.put({.type = cell_type::contested, .a = at.seq, .b = 0, .writer = at.writer, .peer = {}},
            {static_cast<std::int64_t>(e.code()), {}});
    return;
  }
  auto place = at;
  if (observed) place.directory = &own_, place.rules = &catalogue_;
  place.revocations = observed && report_.role == node_role::hq;
  auto cited = e->cites && *e->cites < at.seq ? entry_at(id, *e->cites) : std::nullopt;
  if (cited) place.cited = &*cited;
  if (report) ++line(check_rules).count;
  auto why = errc::ok;
  auto postings = judge(*e, place, s);
  if (!postings && observed && e->kind == entry_kind::regrant) {
    auto earlier = place;
    earlier.directory = &first_closings_;
    postings = judge(*e, earlier, s);
  }
  if (!postings) {
    why = postings.code();
    // What head office decided about is known and listed; the audit is there for what nobody knows of.
    const bool ruled = observed && ruling_of(own_, at.writer, at.seq).has_value();
    if (report && ruled) ++report_.ruled;
    if (report && !ruled) report_verdict(id, *e, place, postings.error(), s);
    contest();
    postings = expand(*e, at.writer);
    if (!postings || !merge(*postings)) postings = std::vector<posting>{};
  }
  if (report && e->kind == entry_kind::ruling) check_ruling_sums(id, at.seq, *e);
  if (report) {
    ++line(check_balance).count;
    if (!postings->empty()) count_sums(*e);
  }
  bool directory = !observed && row_of(e->kind)->broadcast;
  if (directory) learn(*e, s);
  // Its writer applied it as good; who watches keeps the verdict.
  if (auto ok = apply(*e, place, *postings, s, observed ? why : errc::ok); !ok) {
    if (report) problem(check_balance, stream_name(id), at.seq, "balances that fit 64 bits", ok.error().detail);
    contest();
    (void)apply(*e, place, {}, s, why);
  }
  if (observed && why == errc::ok) count_lapses(*e, place);
  if (!observed && e->kind == entry_kind::adopt && e->head->stream.sub == sub_stream::directory &&
      !is_own(e->head->stream.writer))
    learn_until(e->head->stream, e->head->size, s);
}

/// Head office rules about a case once, and never about more than its entry names.
void auditor::check_ruling_sums(const stream_id& id, sequence seq, const entry& e) {
  if (!e.cites) return;
  ++line(check_rules).count;
  if (!ruled_about_.emplace(e.subject, *e.cites).second)
    problem(check_rules, stream_name(id), seq, "one ruling about an entry", "a second one");
  auto about = entry_at({e.subject, sub_stream::journal, {}}, *e.cites);
  if (!about) return;
  if (e.debtor.value != 0) debtors_.push_back({id, seq, e.debtor, {e.subject, *e.cites}});
  const auto most = case_sum_max(*about, catalogue_.rules(about->rules_version));
  for (const auto* list : {&e.values, &e.released})
    for (const auto& v : *list)
      if (v.purse == purse_paid && v.amount > most)
        large_rulings_.push_back({id, seq, v.amount, most, {e.subject, *e.cites}});
}

// How much came back of a sale, and where, is known when all journals were read.
void auditor::check_large_rulings(const std::vector<stream_id>& journals) {
  std::vector<writer_id> writers;
  for (const auto& id : journals)
    writers.push_back(id.writer);
  if (!large_rulings_.empty() && !ground_) ground_ = make_ground(*this);
  for (const auto& d : debtors_) {
    const auto& [seller, seq] = d.about;
    auto sale = entry_at({seller, sub_stream::journal, {}}, seq);
    if (!sale || had_part_in(seen_, writers, d.debtor, seller, seq, *sale)) continue;
    problem(check_rules, stream_name(d.at), d.seq, "a debtor that sold these goods or gave some of them back",
            "node " + std::to_string(d.debtor.value));
  }
  for (const auto& r : large_rulings_) {
    auto most = r.most;
    const auto& [seller, seq] = r.about;
    auto sale = entry_at({seller, sub_stream::journal, {}}, seq);
    if (sale && sells(sale->kind))
      most =
          std::max(most, beyond_worth(*ground_->everything(), returned_of(seen_, writers, seller, seq, *sale), *sale));
    if (r.sum > most)
      problem(check_rules, stream_name(r.at), r.seq,
              "at most " + std::to_string(most) + " in a ruling about this entry", std::to_string(r.sum));
  }
}

void auditor::report_verdict(const stream_id& id, const entry& e, const entry_place& place, const error& why,
                             const state& s) {
  auto found = std::string(errc_name(why.code)) + (why.detail.empty() ? "" : ": " + why.detail);
  auto expected =
      "a " + std::string(kind_name(e.kind)) + " that node " + std::to_string(place.writer.node.value) + " may write";
  if (why.code == errc::bad_proof) {
    bool out = e.kind == entry_kind::send;
    auto from = out ? place.writer : e.peer, to = out ? e.peer : place.writer;
    auto other = s.find({.type = cell_type::transfer, .a = e.channel, .b = out ? 0U : 1U, .writer = from, .peer = to});
    expected = std::string("the other half, transfer ") + std::to_string(e.channel) + " from " + writer_name(from) +
               " to " + writer_name(to) +
               " (account; purse unit bucket amount): " + (other ? other->data : bytes("none"));
    found = transfer_text(e);
  }
  problem(check_of(why.code), stream_name(id), place.seq, std::move(expected), std::move(found));
}

void auditor::learn_until(const stream_id& directory, std::uint64_t size, state& s) {
  auto& n = learned_[directory];
  entry_walk walk(store_, directory, self_.node, n, std::min(size, size_of(directory)), entry_walk::holes::show);
  while (auto item = walk.next()) {
    if (auto e = item->left_out ? result<entry>(error{errc::left_out, ""}) : decode_entry(item->data)) learn(*e, s);
    n = item->seq + (item->left_out ? std::uint64_t{1} << item->left_out->level : 1);
    step();
  }
  if (!note(walk)) own_complete_ = false;
}

/// What a node takes in from head office's directory.
void auditor::learn(const entry& e, state& s) {
  apply_directory(e, s);
  if (e.kind == entry_kind::close_epoch && !closing_of(first_closings_, e.subject))
    if (auto how = closing_of(s, e.subject)) put_closing(first_closings_, e.subject, *how);
  auto record = [](cell_type t, std::uint64_t a, std::uint64_t b) {
    return cell_key{.type = t, .a = a, .b = b, .writer = {}, .peer = {}};
  };
  if (e.kind == entry_kind::certify && certified_.count(e.blob)) {
    auto c = decode_signed_certificate(e.blob);
    auto cert = decode_certificate(c->body);
    certify_node(s, cert->node, {cert->role, cert->epoch, cert->parents, {}});
  }
  if (e.kind != entry_kind::publish) return;
  if (e.topic == publish_topic::rules) {
    if (auto r = decode_rules(e.blob)) s.put(record(cell_type::rules, r->version, 0), {0, e.blob});
  } else if (e.topic == publish_topic::product) {
    if (auto p = decode_product(e.blob)) s.put(record(cell_type::product, p->id.value, p->version), {0, e.blob});
  }
}

}  // namespace tally::audit_detail
