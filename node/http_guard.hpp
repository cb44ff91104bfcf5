#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "node/api.hpp"

namespace tally {

/// Names and addresses under which a node may be called, beside those of the loopback. A browser sends the name
/// that the page's address has, so a page of somebody else's site whose name was made to lead here is noticed.
struct own_names {
  std::vector<std::string> names;  ///< lower case, without ports: `http.names`, and the address of `http.listen`
  /// `authority` is a Host field: "till.example:8080", "[::1]:8080". True for a loopback name or address, for `local`
  /// (the address at which this connection arrived), and for one of `names`. The port does not matter.
  bool contains(std::string_view authority, std::string_view local) const;
};

/// What the header of a request says about where it comes from. Views live as long as the parser.
struct request_head {
  std::string_view method;
  std::string_view authority;  ///< Host, or that of an absolute target
  std::string_view origin, content_type;
  bool old = false;  ///< before HTTP/1.1, where Host may be missing
  std::size_t hosts = 0, origins = 0;
  std::string_view coding;  ///< Transfer-Encoding
  std::size_t codings = 0;  ///< fields of that name
  std::size_t types = 0;    ///< of Content-Type
  bool body = false;
};

/// The path and query of a target; for an absolute one ("http://host/path") `authority` becomes that host.
std::string_view origin_form(std::string_view target, std::string_view& authority);

/// Refuses what a browser could be made to send by a page of another site: another Host (403 `wrong_host`), an Origin
/// that is not this Host on a call that changes something (403 `wrong_origin`), a body that is no JSON (415
/// `wrong_type`). And with 400: HTTP/1.1 without exactly one Host; more than one Content-Type, since a proxy may go by
/// the other; a transfer coding other than chunked, alone, whose end nobody knows (RFC 9112 section 6.3). Nothing when
/// the request may be served.
std::optional<api_response> check_origin(api_context& api, const request_head& head, const own_names& names,
                                         std::string_view local);

/// By what wrong pairing codes are counted: an IPv4 address, or the first 64 bits of an IPv6 one (a customer of a
/// network has that many addresses). Other text as it is.
std::string remote_key(const std::string& address);

/// ASCII letters without regard to case, as header fields and schemes are compared (RFC 9110).
bool same_word(std::string_view a, std::string_view b);

}  // namespace tally
