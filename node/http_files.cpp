#include "node/http_files.hpp"

#include <fstream>
#include <iterator>

#include "storage/sha256.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

std::string_view content_type(const fs::path& p) {
  static const std::map<std::string, std::string_view> types = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
  };
  auto it = types.find(p.extension().string());
  return it == types.end() ? "application/octet-stream" : it->second;
}

}  // namespace

status web_files::add(std::string path, const fs::path& from, const std::string& policy) {
  std::ifstream in(from, std::ios::binary);
  file f;
  f.body.assign(std::istreambuf_iterator<char>(in), {});
  if (!in) return error{errc::io, "cannot read " + from.string()};
  bytes_ += f.body.size();
  if (files_.size() >= files_max || bytes_ > bytes_max)
    return error{errc::full, "more than 500 files or 16 MiB in the web folder"};
  f.type = content_type(from);
  auto hash = sha256(f.body);
  f.tag = "\"" + to_hex(view_of(hash).substr(0, 12)) + "\"";
  // Names do not change with their content, so a browser must ask each time; mostly it hears 304.
  f.headers = "Cache-Control: no-cache\r\nETag: " + f.tag + "\r\nContent-Security-Policy: " + policy +
              "\r\nReferrer-Policy: no-referrer\r\n";
  files_.insert_or_assign(std::move(path), std::move(f));
  return done();
}

result<web_files> web_files::read(const fs::path& dir, const std::string& connect) {
  web_files out;
  if (dir.empty()) return out;
  const std::string policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'" +
      (connect.empty() ? connect : " " + connect) + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  std::error_code ec;
  if (!fs::is_regular_file(dir / "till.html", ec))
    return error{errc::not_found,
                 "no till.html in " + dir.string() + ": build the pages first, or leave http.web_dir empty"};
  TALLY_TRY(out.add("/", dir / "till.html", policy));
  if (fs::is_regular_file(dir / "network.html", ec)) TALLY_TRY(out.add("/network", dir / "network.html", policy));
  auto assets = dir / "assets";
  for (fs::recursive_directory_iterator it(assets, ec), end; !ec && it != end; it.increment(ec)) {
    // A link could lead out of the folder.
    if (it->is_symlink() || !it->is_regular_file()) continue;
    TALLY_TRY(out.add("/assets/" + it->path().lexically_relative(assets).generic_string(), it->path(), policy));
  }
  return out;
}

std::optional<api_response> web_files::find(std::string_view path, std::string_view if_none_match) const {
  auto it = files_.find(path);
  if (it == files_.end()) return std::nullopt;
  const auto& f = it->second;
  api_response r{.status = 200, .body = {}, .content_type = f.type, .headers = f.headers, .shared_body = &f.body};
  if (if_none_match == "*" || (!if_none_match.empty() && if_none_match.find(f.tag) != std::string_view::npos)) {
    r.status = 304;
    r.shared_body = nullptr;
  }
  return r;
}

}  // namespace tally
