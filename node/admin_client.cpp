#include "node/admin_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/version.hpp>

#include "node/config_text.hpp"
#include "node/identity.hpp"
#include "node/snapshot_store.hpp"

namespace tally {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::uint64_t body_bytes_max = std::uint64_t{64} << 20;
constexpr std::chrono::milliseconds call_time_max{30'000};

/// One request, asynchronous inside so that time runs out on every step.
class exchange {
public:
  explicit exchange(http::request<http::string_body> request) : request_(std::move(request)) {
    parser_.body_limit(body_bytes_max);
  }

  result<http_answer> run(const asio::ip::tcp::endpoint& to, std::chrono::milliseconds time_max) {
    stream_.async_connect(to, [this](beast::error_code bad) { bad ? fail(errc::offline, bad) : send(); });
    context_.run_for(time_max);
    if (outcome_.ok() || failed_) return std::move(outcome_);
    return error{errc::timeout, "no answer within " + std::to_string(time_max.count()) + " ms"};
  }

private:
  void send() {
    http::async_write(stream_, request_,
                      [this](beast::error_code bad, std::size_t) { bad ? fail(errc::offline, bad) : receive(); });
  }
  void receive() {
    http::async_read(stream_, buffer_, parser_, [this](beast::error_code bad, std::size_t) {
      if (bad) return fail(errc::malformed, bad);
      outcome_ = http_answer{static_cast<int>(parser_.get().result_int()), std::move(parser_.get().body())};
    });
  }
  void fail(errc code, const beast::error_code& why) {
    failed_ = true;
    outcome_ = error{code, why.message()};
  }

  asio::io_context context_{1};
  beast::tcp_stream stream_{context_};
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  result<http_answer> outcome_ = error{errc::timeout, ""};
  bool failed_ = false;
};

/// The port of a node that was killed may be another program's by now, and that program must not hear the token: only
/// while some process holds the directory's database is its node there.
status check_node_runs(const std::filesystem::path& data_dir) {
  if (node_runs(data_dir)) return done();
  return error{errc::offline, "the node on " + data_dir.string() + " does not run; start it with 'tallystick node'"};
}

}  // namespace

result<http_answer> http_call(const std::string& address, const std::string& method, const std::string& target,
                              const std::string& token, const std::string& body, std::chrono::milliseconds time_max) {
  auto at = parse_host_port(address);
  boost::system::error_code bad;
  auto ip = asio::ip::make_address(at ? at->host : "", bad);
  if (!at || bad) return error{errc::malformed, address + " is no address"};
  if (ip.is_unspecified())
    ip = ip.is_v4() ? asio::ip::address(asio::ip::address_v4::loopback())
                    : asio::ip::address(asio::ip::address_v6::loopback());
  try {
    http::request<http::string_body> request{http::string_to_verb(method), target, 11};
    request.set(http::field::host, address);
    request.set(http::field::connection, "close");
    if (!token.empty()) request.set(http::field::authorization, "Bearer " + token);
    if (!body.empty()) request.set(http::field::content_type, "application/json");
    request.body() = body;
    request.prepare_payload();
    return exchange(std::move(request)).run({ip, at->port}, time_max);
  } catch (const std::exception& e) {
    return error{errc::io, e.what()};
  }
}

result<admin_client> admin_client::open(const std::filesystem::path& data_dir) {
  auto id = read_identity(data_dir);
  if (!id) return id.error();
  TALLY_TRY(check_node_runs(data_dir));
  data_layout at{data_dir};
  admin_client out;
  for (auto [file, to] : {std::pair{at.http_address(), &out.address_}, std::pair{at.admin_token(), &out.token_}}) {
    auto text = read_small_file(file, 1'000);
    if (text.code() == errc::not_found)
      return error{errc::offline, "the node on " + data_dir.string() +
                                      " does not answer yet, or no longer: it starts or stops at this moment"};
    if (!text) return error{errc::not_allowed, text.error().detail + "; run this as the user of the node"};
    while (!text->empty() && (text->back() == '\n' || text->back() == ' '))
      text->pop_back();
    *to = *text;
  }
  return out;
}

result<nlohmann::json> admin_client::call(const std::string& method, const std::string& path,
                                          const std::string& body) const {
  auto a = http_call(address_, method, "/api/v1/admin/" + path, token_, body, call_time_max);
  if (!a && a.code() == errc::offline)
    return error{errc::offline, "the node at " + address_ + " does not run; start it with 'tallystick node'"};
  if (!a && a.code() == errc::timeout)
    return error{errc::timeout, "the node at " + address_ + " did not answer; look at its log"};
  if (!a) return a.error();
  auto j = nlohmann::json::parse(a->body, nullptr, false);
  if (a->status == 200 && !j.is_discarded()) return j;
  if (a->status == 401) return error{errc::not_allowed, "the node does not take the token in admin.token; restart it"};
  if (!j.is_object() || !j.contains("error"))
    return error{errc::malformed, "the node at " + address_ + " answered " + std::to_string(a->status)};
  auto name = j.value("error", "");
  auto detail = j.value("detail", "");
  for (int i = 1; i <= static_cast<int>(errc_last); ++i)
    if (auto code = static_cast<errc>(i); errc_name(code) == name) return error{code, detail};
  // A refusal of the interface itself says in its own words what is to be done.
  if (a->status < 500) return error{errc::not_allowed, j.value("message", name)};
  return error{errc::internal, name + ": " + detail};
}

result<nlohmann::json> admin_client::get(const std::string& path) const { return call("GET", path, ""); }

result<nlohmann::json> admin_client::post(const std::string& path, const nlohmann::json& body) const {
  return call("POST", path, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace tally
