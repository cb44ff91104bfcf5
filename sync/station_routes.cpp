// Who is next to whom: the tree of the certificates, and the way to head office while a parent is silent (decision 15).
#include <algorithm>

#include "sync/station.hpp"

namespace tally {

std::optional<node_id> station::parent() const {
  const auto* own = certificate_of(config_.self);
  if (!own || own->parents.empty()) return std::nullopt;
  return own->parents.front();
}

namespace {
/// Family meta: this journal, or part of it, came to head office past the node's parent.
bytes came_around_key(const stream_id& journal) { return "a" + stream_key(journal); }
}  // namespace

// What a life that is over wrote past its parent, nobody can bring there any more but head office.
void station::note_way(node_id from, const stream_id& journal) {
  if (config_.role != node_role::hq || from != journal.writer.node || route_to(from) == from) return;
  book_->view().put(family::meta, came_around_key(journal), "");
}

bool station::is_over(const writer_id& life) const {
  return closing_of(book_->st(), life).has_value() || certificates_.is_revoked(life.node);
}

bool station::brings_back(node_id neighbour, const stream_id& id) const {
  if (config_.role != node_role::hq || id.sub != sub_stream::journal || id.writer.node == config_.self) return false;
  if (route_to(id.writer.node) != neighbour || neighbour == id.writer.node) return false;
  bytes v;
  return is_over(id.writer) && store_.get(family::meta, came_around_key(id), v) == lookup::found;
}

// Head office is above every store, also where a region stands between them.
bool station::is_above(node_id neighbour) const {
  auto p = parent();
  return p && (*p == neighbour || (config_.role == node_role::store && neighbour == head_office));
}

std::optional<node_id> station::above() const {
  auto p = parent();
  if (p && up_.count(*p)) return p;
  if (p && is_above(head_office) && up_.count(head_office)) return head_office;
  return std::nullopt;
}

void station::watch_parent() {
  auto p = parent();
  if (!p || up_.count(*p)) {
    calendar_.away_since.reset();
  } else if (!calendar_.away_since) {
    calendar_.away_since = tick_;
  }
}

// Only a node that its parent has spoken to since the start: the parent may hold more of this journal than head office
// does, and an old copy that shipped to head office in its place would be a second history under one name.
bool station::wants_detour() const {
  if (config_.detour_after_ms == 0 || config_.role != node_role::store || parent() == head_office) return false;
  if (!calendar_.confirmed || !calendar_.away_since || is_outdated() || care_.outlawed) return false;
  return tick_ >= *calendar_.away_since + config_.detour_after_ms;
}

/// Whether what concerns a node below goes over this neighbour: the child on the road to it; at head office also the
/// node itself, whose parent is silent.
bool station::comes_by(node_id neighbour, node_id below) const {
  auto road = route_to(below);
  return road && (*road == neighbour || (config_.role == node_role::hq && neighbour == below));
}

std::vector<node_id> station::admitted() const {
  std::vector<node_id> out;
  for (auto n : certificates_.nodes()) {
    if (n == config_.self) continue;
    // Who moved away while its line was down hears of it where it still knocks.
    const bool was_child = std::ranges::any_of(certificates_.all_of(n), [this](const certificate* c) {
      return !c->parents.empty() && c->parents.front() == config_.self;
    });
    if (was_child || (config_.role == node_role::hq && route_to(n))) out.push_back(n);
  }
  return out;
}

std::vector<node_id> station::children() const {
  std::vector<node_id> out;
  for (auto n : certificates_.nodes()) {
    const auto* c = certificate_of(n);
    if (c && !c->parents.empty() && c->parents.front() == config_.self) out.push_back(n);
  }
  return out;
}

std::optional<public_key> station::curve_key_of(node_id node) const {
  const auto* c = certificate_of(node);
  if (!c || certificates_.is_revoked(node) || is_expired(*c)) return std::nullopt;
  return c->curve;
}

std::vector<certificate> station::nodes_below() const {
  std::vector<certificate> out;
  for (auto n : certificates_.nodes())
    if (n != config_.self && route_to(n)) out.push_back(*certificate_of(n));
  return out;
}

std::optional<node_id> station::route_to(node_id node) const {
  // Trees are three deep; the bound only guards against a directory that is in conflict with itself.
  for (int depth = 0; depth < 8; ++depth) {
    const auto* c = certificate_of(node);
    if (!c || c->parents.empty()) return std::nullopt;
    if (c->parents.front() == config_.self) return node;
    node = c->parents.front();
  }
  return std::nullopt;
}

bool station::accepts(node_id neighbour, const stream_id& id) const {
  if (rebuild_.on) {
    const auto lives = given_back();
    if (id.sub == sub_stream::journal || std::ranges::find(lives, id.writer) == lives.end()) return false;
    return route_to(id.sub == sub_stream::addressed ? id.to : neighbour) == neighbour;
  }
  if (is_above(neighbour)) {
    if (id.writer.node == head_office) {
      if (id.sub == sub_stream::directory) return true;
      return id.sub == sub_stream::addressed && (id.to == config_.self || route_to(id.to).has_value());
    }
    // Head office brings back what a store below wrote past this region; its writer signed it, as on any other way.
    if (id.sub == sub_stream::journal)
      return parent() == neighbour && id.writer.node != config_.self && route_to(id.writer.node) && is_over(id.writer);
    return id.writer.node == neighbour && id.sub == sub_stream::addressed && id.to == config_.self;
  }
  return id.sub == sub_stream::journal && id.writer.node != config_.self && comes_by(neighbour, id.writer.node);
}

/// An earlier life of this node that the neighbour could not continue what it holds with, or must not hear first: past
/// a silent parent head office would take what was written on an old copy for the life itself. Head office's own lives
/// are what their closing says: whoever has less of them needs the rest before he takes what follows.
bool station::stays_here(node_id neighbour, const writer_id& own) const {
  if (lives_.astray.count(own) != 0 || went_astray(store_, own)) return true;
  return config_.role != node_role::hq && neighbour != parent() &&
         (lives_.cut_short.count(own) != 0 || was_cut_short(store_, own));
}

std::vector<stream_id> station::streams_for(node_id neighbour) const {
  std::vector<stream_id> out;
  if (rebuild_.on) return out;
  auto list = reader_.list();
  if (!list) return out;
  if (auto asked = rebuild_.given_back.find(neighbour); asked != rebuild_.given_back.end())
    out.assign(asked->second.begin(), asked->second.end());
  bool up = is_above(neighbour);
  // Offered also where the disk knows of none, so that the child shows what it has.
  const stream_id rights{book_->self(), sub_stream::addressed, neighbour};
  if (config_.role == node_role::region && !up && !lives_.start.born && lives_.start.heard.count(neighbour) == 0 &&
      route_to(neighbour) == neighbour && std::ranges::find(*list, rights) == list->end())
    out.push_back(rights);
  for (const auto& id : *list) {
    bool own = id.writer.node == config_.self;
    if (own && id.writer != book_->self() && stays_here(neighbour, id.writer)) continue;
    if (up) {
      // Whoever moved away ships its journal over its new parent.
      if (id.sub == sub_stream::journal && (own || route_to(id.writer.node))) out.push_back(id);
    } else if (id.sub == sub_stream::directory || brings_back(neighbour, id)) {
      out.push_back(id);
    } else if (id.sub == sub_stream::addressed) {
      if (own ? route_to(id.to) == neighbour && (id.to == neighbour || config_.role == node_role::hq)
              : id.writer.node == head_office && route_to(id.to) == neighbour)
        out.push_back(id);
    }
  }
  return out;
}

}  // namespace tally
