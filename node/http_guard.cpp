#include "node/http_guard.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

namespace tally {
namespace {

namespace ip = boost::asio::ip;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::optional<ip::address> address_of(const std::string& text) {
  boost::system::error_code bad;
  auto a = ip::make_address(text, bad);
  if (bad) return std::nullopt;
  if (a.is_v6() && a.to_v6().is_v4_mapped()) return ip::address(ip::make_address_v4(ip::v4_mapped, a.to_v6()));
  return a;
}

/// The host of "host", "host:port" or "[address]:port", in lower case; empty for anything else.
std::string host_of(std::string_view authority) {
  std::size_t end = authority.size();
  if (authority.starts_with('[')) {
    auto close = authority.find(']');
    if (close == std::string_view::npos) return {};
    end = close + 1;
  } else if (auto colon = authority.find(':'); colon != std::string_view::npos) {
    end = colon;
  }
  auto host = authority.substr(0, end), port = authority.substr(end);
  if (!port.empty() && (port.front() != ':' || port.size() > 6 ||
                        !std::ranges::all_of(port.substr(1), [](char c) { return c >= '0' && c <= '9'; })))
    return {};
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  std::string out(host);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::string remote_key(const std::string& address) {
  auto a = address_of(address);
  if (!a) return address;
  if (a->is_v4()) return a->to_string();
  auto octets = a->to_v6().to_bytes();
  std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
  return ip::address_v6(octets).to_string() + "/64";
}

bool own_names::contains(std::string_view authority, std::string_view local) const {
  auto host = host_of(authority);
  if (host.empty()) return false;
  if (host == "localhost" || std::ranges::find(names, host) != names.end()) return true;
  auto a = address_of(host);
  if (!a) return false;
  if (a->is_loopback()) return true;
  auto same = [&](std::string_view text) {
    auto b = address_of(std::string(text));
    return b && *a == *b;
  };
  return same(local) || std::ranges::any_of(names, same);
}

std::string_view origin_form(std::string_view target, std::string_view& authority) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (!same_word(target.substr(0, scheme.size()), scheme)) continue;
    auto rest = target.substr(scheme.size());
    auto end = rest.find_first_of("/?");
    authority = rest.substr(0, end);
    return end == std::string_view::npos || rest[end] == '?' ? std::string_view("/") : rest.substr(end);
  }
  return target;
}

std::optional<api_response> check_origin(api_context& api, const request_head& head, const own_names& names,
                                         std::string_view local) {
  if (head.hosts > 1 || (head.hosts == 0 && !head.old))
    return refuse(api, {errc::malformed, "a request of HTTP/1.1 has exactly one Host field"});
  if (head.codings > 1 || (head.codings == 1 && (head.old || !same_word(head.coding, "chunked"))))
    return refuse(api, {errc::malformed, "of transfer codings this server takes chunked alone, in HTTP/1.1"});
  if (head.types > 1) return refuse(api, {errc::malformed, "a request has one Content-Type field at most"});
  // Old clients that name no host are no browsers.
  if (head.hosts == 1 && !names.contains(head.authority, local)) return refuse(api, problem::wrong_host);
  if (head.method == "GET" || head.method == "HEAD") return std::nullopt;
  if (head.origins > 0) {
    auto to = [&](std::string_view scheme) {
      return head.origins == 1 && same_word(head.origin.substr(0, scheme.size()), scheme) &&
             same_word(head.origin.substr(std::min(scheme.size(), head.origin.size())), head.authority);
    };
    if (!to("http://") && !to("https://")) return refuse(api, problem::wrong_origin);
  }
  auto type = head.content_type.substr(0, head.content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t'))
    type.remove_suffix(1);
  if (head.body && !same_word(type, "application/json")) return refuse(api, problem::wrong_type);
  return std::nullopt;
}

}  // namespace tally
