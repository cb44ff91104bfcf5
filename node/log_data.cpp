#include "node/log_data.hpp"

#include <algorithm>

#include "node/key_change.hpp"
#include "node/terminal.hpp"
#include "storage/entry_codec.hpp"
#include "sync/driver_keyfile.hpp"
#include "sync/entry_walk.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

constexpr std::size_t names_shown_max = 20;

/// "3/journal" and "journal": what `id` is called without its epoch.
bool is_short_name(std::string_view text, const stream_id& id, node_id self) {
  auto name = stream_name(id);
  auto sub = name.substr(name.find('/'));
  return text == std::to_string(id.writer.node.value) + sub ||
         (id.writer.node == self && "/" + std::string(text) == sub);
}

}  // namespace

result<std::unique_ptr<log_data>> log_data::open(const std::filesystem::path& data_dir,
                                                 const std::filesystem::path& key_file) {
  std::unique_ptr<log_data> d(new log_data);
  auto identity = read_identity(data_dir);
  if (!identity) return identity.error();
  d->identity_ = std::move(*identity);
  auto snapshot = open_snapshot(data_dir);
  if (!snapshot) return snapshot.error();
  d->snapshot_ = std::move(*snapshot);
  TALLY_TRY(sync_snapshot(data_dir));
  auto self = stream_reader(d->store()).self();
  if (!self) return self.error();
  d->self_ = *self;
  const auto& believes = d->identity_.believes;
  d->certificates_ = std::make_unique<certificate_book>(believes.chain, believes.root, d->with_);
  load_certificates(d->store(), *d->certificates_);
  auto key = read_signing_key(key_file.empty() ? data_layout{data_dir}.signing_key() : key_file);
  if (key) {
    d->own_ = std::make_unique<ed25519_signer>(std::move(*key));
  } else {
    d->no_key_ = cmd::sentence_of(key.error());
  }
  d->older_ = tally::older_keys(data_layout{data_dir}, *d->certificates_, d->identity_.node);
  return d;
}

std::map<epoch_id, const signer*> log_data::older_keys() const {
  std::map<epoch_id, const signer*> out;
  for (const auto& [epoch, key] : older_)
    out[epoch] = key.get();
  return out;
}

result<stream_id> log_data::find_stream(std::string_view name) const {
  stream_id own{self_, sub_stream::journal, {}};
  if (name.empty()) return own;
  auto list = stream_reader(store()).list();
  if (!list) return list.error();
  auto exact = parse_stream_name(name, identity_.believes.chain);
  if (exact && std::ranges::find(*list, *exact) != list->end()) return *exact;
  std::vector<stream_id> fits;
  for (const auto& id : *list)
    if (is_short_name(name, id, identity_.node)) fits.push_back(id);
  // A store or region holds head office's directory and has none of its own.
  if (fits.empty())
    for (const auto& id : *list)
      if (stream_name(id).ends_with("/" + std::string(name)) && id.sub == sub_stream::directory) fits.push_back(id);
  if (fits.size() == 1) return fits.front();
  std::string text = fits.empty() ? "there is no stream " + std::string(name) + " here; there are"
                                  : std::string(name) + " names several streams:";
  const auto& shown = fits.empty() ? *list : fits;
  for (std::size_t i = 0; i < shown.size() && i < names_shown_max; ++i)
    text += (i == 0 ? " " : ", ") + stream_name(shown[i]);
  if (shown.size() > names_shown_max) text += " and " + std::to_string(shown.size() - names_shown_max) + " more";
  return error{errc::not_found, text};
}

result<stream_log> log_data::open_stream(std::string_view name) const {
  auto id = find_stream(name);
  if (!id) return id.error();
  return stream_log::open(parts(), *id);
}

}  // namespace tally
