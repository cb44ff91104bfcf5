#include "node/stick.hpp"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <charconv>

#include "node/public_files.hpp"

namespace tally {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view top = "tallystick", extension = ".parcel", older_end = ".old";
constexpr std::size_t pairs_max = 10'000;

std::string pair_name(node_id from, node_id to) {
  return std::to_string(from.value) + "-to-" + std::to_string(to.value);
}

std::optional<std::uint32_t> whole_number(std::string_view text) {
  std::uint32_t n = 0;
  auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

/// "3-to-2" and nothing else; "3-to-2.old" where a power cut left that place empty.
std::optional<stick_shipment> pair_from(const fs::path& dir) {
  auto name = dir.filename().string();
  std::error_code ec;
  if (name.ends_with(older_end)) {
    name.resize(name.size() - older_end.size());
    auto place = fs::symlink_status(dir.parent_path() / name, ec);
    if (place.type() != fs::file_type::not_found) return std::nullopt;
  }
  auto middle = name.find("-to-");
  if (middle == name.npos) return std::nullopt;
  auto from = whole_number(std::string_view(name).substr(0, middle));
  auto to = whole_number(std::string_view(name).substr(middle + 4));
  if (!from || !to || name != pair_name({*from}, {*to})) return std::nullopt;
  return stick_shipment{{*from}, {*to}, dir, {}};
}

/// Names in a directory, sorted; stops at `max`.
result<std::vector<fs::path>> names_in(const fs::path& dir, std::size_t max) {
  std::vector<fs::path> out;
  std::error_code ec;
  for (fs::directory_iterator at(dir, ec), end; !ec && at != end && out.size() < max; at.increment(ec))
    out.push_back(at->path());
  if (ec) return error{errc::io, "cannot read " + dir.string() + ": " + ec.message()};
  std::sort(out.begin(), out.end());
  return out;
}

error cannot_write(const fs::path& place, const std::error_code& ec) {
  return {ec == std::errc::no_space_on_device ? errc::full : errc::io,
          "cannot write " + place.string() + ": " + ec.message()};
}

/// Two renames, for file systems that cannot exchange. Between them only the older one is there, beside its place.
std::error_code rename_by_steps(const fs::path& fresh, const fs::path& place) {
  std::error_code ec, ignored;
  auto older = older_beside(place);
  fs::remove_all(older, ec);
  if (!ec) fs::rename(place, older, ec);
  if (ec) return ec;
  fs::rename(fresh, place, ec);
  if (ec) fs::rename(older, place, ignored);
  return ec;
}

}  // namespace

// A data directory is no stick, and a link on a stick could lead the writer, who may be root, anywhere.
status check_stick(const fs::path& stick, const std::string& chain) {
  if (std::error_code ec; fs::exists(stick / "identity.toml", ec))
    return error{errc::not_allowed,
                 stick.string() + " is a node's data directory; name a stick, or an empty directory"};
  for (const auto& dir : {stick / top, stick / top / chain}) {
    std::error_code ec;
    auto kind = fs::symlink_status(dir, ec);
    if (!fs::status_known(kind)) return error{errc::io, "cannot read " + dir.string() + ": " + ec.message()};
    if (fs::exists(kind) && !fs::is_directory(kind))
      return error{errc::not_allowed, dir.string() + " is no directory of its own; take it off the stick"};
  }
  return done();
}

fs::path older_beside(const fs::path& place) { return place.string() + std::string(older_end); }

status put_in_place(const fs::path& fresh, const fs::path& place, bool exchange) {
  std::error_code ec, ignored;
  if (!fs::exists(fs::symlink_status(place, ec))) {
    ec.clear();
    fs::rename(fresh, place, ec);
  } else if (!exchange || ::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) != 0) {
    ec = rename_by_steps(fresh, place);
  }
  if (ec) return cannot_write(place, ec);
  TALLY_TRY(sync_files(place.parent_path()));
  fs::remove_all(fresh, ignored);  // what lay there, if they were exchanged
  fs::remove_all(older_beside(place), ignored);
  return done();
}

std::string parcel_name(std::uint32_t number) {
  auto text = std::to_string(number);
  return std::string(5 - std::min<std::size_t>(text.size(), 5), '0') + text + std::string(extension);
}

fs::path place_on(const fs::path& stick, const std::string& chain, node_id from, node_id to) {
  return stick / top / chain / pair_name(from, to);
}

result<std::vector<fs::path>> parcels_in(const fs::path& place) {
  std::error_code ec;
  if (fs::is_symlink(fs::symlink_status(place, ec)))
    return error{errc::not_allowed, place.string() + " is a link; take it off the stick"};
  if (!fs::is_directory(place, ec)) return error{errc::not_found, place.string()};
  auto files = names_in(place, parcel_number_max);
  if (!files) return files.error();
  std::erase_if(*files, [](const fs::path& f) { return f.extension() != extension; });
  for (const auto& f : *files)
    if (!fs::is_regular_file(fs::symlink_status(f, ec)))
      return error{errc::not_allowed, f.string() + " is a link or no file; take it off the stick"};
  return files;
}

result<std::vector<stick_shipment>> shipments_on(const fs::path& stick, const std::string& chain) {
  std::error_code ec;
  TALLY_TRY(check_stick(stick, chain));
  if (!fs::is_directory(stick, ec)) return error{errc::not_found, stick.string() + " is no directory that can be read"};
  if (!fs::is_directory(stick / top, ec))
    return error{errc::not_found, stick.string() + " carries nothing of Tallystick"};
  if (!fs::is_directory(stick / top / chain, ec)) {
    auto others = names_in(stick / top, pairs_max);
    if (!others) return others.error();
    std::string list;
    for (const auto& other : *others)
      list += (list.empty() ? "" : ", ") + other.filename().string();
    return error{errc::not_allowed,
                 stick.string() + " carries parcels of another chain (" + list + "), not of " + chain};
  }
  auto pairs = names_in(stick / top / chain, pairs_max);
  if (!pairs) return pairs.error();
  std::vector<stick_shipment> out;
  for (const auto& dir : *pairs) {
    auto one = pair_from(dir);
    if (!one) continue;
    auto files = parcels_in(dir);
    if (!files) return files.error();
    one->files = std::move(*files);
    out.push_back(std::move(*one));
  }
  return out;
}

static status write_files(const fs::path& dir, shipment& s, const std::function<void(std::uint64_t)>& progress) {
  for (std::uint64_t files = 1;; ++files) {
    auto p = s.next();
    if (!p) return p.error();
    if (!*p) break;
    TALLY_TRY(write_public_file(dir / parcel_name((*p)->number), encode_parcel(**p)));
    if (progress) progress(files);
  }
  return sync_files(dir);
}

status write_shipment(const fs::path& stick, shipment& s, const std::string& chain, node_id from, node_id to,
                      const std::function<void(std::uint64_t)>& progress) {
  TALLY_TRY(check_stick(stick, chain));
  auto place = place_on(stick, chain, from, to);
  fs::path fresh = place.string() + ".new";
  std::error_code ignored;
  fs::remove_all(fresh, ignored);
  auto ok = write_files(fresh, s, progress);
  if (ok) ok = put_in_place(fresh, place);
  // Half a shipment is of no use, and takes the room that the next one needs.
  if (!ok) fs::remove_all(fresh, ignored);
  return ok;
}

result<parcel> read_parcel(const stick_shipment& from, std::size_t number, const std::string& chain,
                           std::array<std::uint8_t, 8>& shipment) {
  const auto& file = from.files.at(number - 1);
  auto data = read_public_file(file, parcel_bytes_max);
  if (!data && data.code() == errc::malformed) return error{errc::malformed, "the file is larger than a parcel can be"};
  if (!data) return data.error();
  auto p = decode_parcel(*data);
  if (!p) return p.error();
  if (p->chain != chain) return error{errc::not_allowed, "it belongs to chain " + p->chain};
  if (p->from.node != from.from || p->to != from.to)
    return error{errc::not_allowed, "it was written by node " + std::to_string(p->from.node.value) + " for node " +
                                        std::to_string(p->to.value)};
  if (p->number != number)
    return error{errc::gap, "it is number " + std::to_string(p->number) + " of its shipment; number " +
                                std::to_string(number) + " is missing"};
  if (number > 1 && p->shipment != shipment) return error{errc::not_allowed, "it belongs to another shipment"};
  shipment = p->shipment;
  if (!p->last && number == from.files.size())
    return error{errc::gap, "the shipment goes on behind it, and the rest is not on the stick"};
  return p;
}

wanted_from wants_on(const fs::path& stick, const std::string& chain, node_id receiver, node_id self) {
  wanted_from wants;
  auto list = shipments_on(stick, chain);
  if (!list) return wants;
  for (const auto& s : *list) {
    if (s.from != receiver || s.to != self) continue;
    std::array<std::uint8_t, 8> id{};
    for (std::size_t n = 1; n <= s.files.size(); ++n) {
      auto p = read_parcel(s, n, chain, id);
      if (!p) break;
      note_wants(*p, wants);
      // Wants stand before the first segment.
      if (std::ranges::any_of(p->messages, [](const message& m) { return std::holds_alternative<segment_message>(m); }))
        break;
    }
  }
  return wants;
}

}  // namespace tally
