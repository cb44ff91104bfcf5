#include "node/http_call.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>

#include "devices/driver_fd.hpp"
#include "node/config_text.hpp"

namespace tally {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using failure = boost::system::error_code;

constexpr std::uint64_t body_bytes_max = std::uint64_t{64} << 20;

failure last_failure() { return {errno, boost::system::system_category()}; }

/// A stream in Beast's sense whose steps end together at one moment.
class timed_stream {
public:
  explicit timed_stream(std::chrono::milliseconds time_max) : until_(monotonic_ms() + time_max.count()) {}

  void connect(const asio::ip::tcp::endpoint& to, failure& bad) {
    fd_ = unique_fd(::socket(to.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd_ || (::connect(fd_.get(), to.data(), static_cast<socklen_t>(to.size())) != 0 && errno != EINPROGRESS)) {
      bad = last_failure();
      return;
    }
    if (!wait(POLLOUT, bad)) return;
    int number = 0;
    socklen_t size = sizeof number;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &number, &size);
    bad = {number, boost::system::system_category()};
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& into, failure& bad) {
    const asio::mutable_buffer first = *asio::buffer_sequence_begin(into);
    return step(POLLIN, bad, [&] { return ::recv(fd_.get(), first.data(), first.size(), 0); });
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& from, failure& bad) {
    asio::const_buffer first;
    for (auto at = asio::buffer_sequence_begin(from); at != asio::buffer_sequence_end(from) && first.size() == 0; ++at)
      first = *at;
    return step(POLLOUT, bad, [&] { return ::send(fd_.get(), first.data(), first.size(), MSG_NOSIGNAL); });
  }
  template <class Buffers>
  std::size_t read_some(const Buffers& into) {
    failure bad;
    auto n = read_some(into, bad);
    return bad ? throw boost::system::system_error(bad) : n;
  }
  template <class Buffers>
  std::size_t write_some(const Buffers& from) {
    failure bad;
    auto n = write_some(from, bad);
    return bad ? throw boost::system::system_error(bad) : n;
  }

private:
  bool wait(short events, failure& bad) {
    for (auto left = until_ - monotonic_ms(); left > 0; left = until_ - monotonic_ms())
      if (poll_one(fd_.get(), events, nobody_, static_cast<int>(left)) != 0) return true;
    bad = asio::error::timed_out;
    return false;
  }
  template <class Call>
  std::size_t step(short events, failure& bad, Call call) {
    bad = {};
    while (wait(events, bad)) {
      auto n = call();
      if (n > 0) return static_cast<std::size_t>(n);
      if (n == 0) {
        bad = asio::error::eof;
      } else if (errno == EINTR || errno == EAGAIN) {
        continue;
      } else {
        bad = last_failure();
      }
      break;
    }
    return 0;
  }

  unique_fd fd_;
  wakeup nobody_;
  tick_ms until_;
};

error told(const failure& bad, errc otherwise, std::chrono::milliseconds time_max) {
  if (bad == asio::error::timed_out)
    return {errc::timeout, "no answer within " + std::to_string(time_max.count()) + " ms"};
  // Whoever went away meanwhile may have done it all the same.
  if (bad == http::error::end_of_stream || bad == asio::error::eof || bad == asio::error::connection_reset)
    return {errc::timeout, "the connection ended before the answer"};
  return {otherwise, bad.message()};
}

result<http_answer> exchange(const http::request<http::string_body>& request, const asio::ip::tcp::endpoint& to,
                             std::chrono::milliseconds time_max) {
  timed_stream stream(time_max);
  failure bad;
  stream.connect(to, bad);
  if (!bad) http::write(stream, request, bad);
  if (bad) return told(bad, errc::offline, time_max);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(body_bytes_max);
  http::read(stream, buffer, parser, bad);
  if (bad) return told(bad, errc::malformed, time_max);
  return http_answer{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
}

}  // namespace

result<http_answer> http_call(const std::string& address, const std::string& method, const std::string& target,
                              const std::string& token, const std::string& body, std::chrono::milliseconds time_max) {
  auto at = parse_host_port(address);
  failure bad;
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
    return exchange(request, {ip, at->port}, time_max);
  } catch (const std::exception& e) {
    return error{errc::io, e.what()};
  }
}

}  // namespace tally
