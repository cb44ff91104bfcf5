#include "node/demo_control.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <thread>

namespace tally {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using failure = beast::error_code;

constexpr std::uint64_t body_bytes_max = 64 * 1024;
constexpr int connections_max = 64;
constexpr std::chrono::seconds idle_max{30};

struct site {
  std::vector<std::string> origins, hosts;
  demo_control::handler on_call;
  int connections = 0;
};

class connection : public std::enable_shared_from_this<connection> {
public:
  connection(tcp::socket socket, site& s) : stream_(std::move(socket)), site_(s) { ++site_.connections; }
  ~connection() { --site_.connections; }

  void read() {
    parser_.emplace();
    parser_->body_limit(body_bytes_max);
    stream_.expires_after(idle_max);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](failure bad, std::size_t) {
      if (bad == http::error::body_limit) return self->write({413, R"({"error":"malformed"})"}, "", false);
      if (!bad) self->answer(self->parser_->release());
    });
  }

private:
  void answer(http::request<http::string_body> q) {
    std::string origin(q[http::field::origin]), host(q[http::field::host]);
    auto in = [](const std::vector<std::string>& list, const std::string& v) {
      return std::find(list.begin(), list.end(), v) != list.end();
    };
    // A page of another site could reach this address through the visitor's browser.
    if (!in(site_.hosts, host) || (!origin.empty() && !in(site_.origins, origin)))
      return write({403, R"({"error":"not_allowed"})"}, "", false);
    if (q.method() == http::verb::options) return write({204, ""}, origin, q.keep_alive());
    std::string target(q.target());
    auto a = site_.on_call(std::string(q.method_string()), target.substr(0, target.find('?')), q.body());
    write(std::move(a), origin, q.keep_alive());
  }

  void write(control_answer a, const std::string& origin, bool keep) {
    response_ = {http::int_to_status(static_cast<unsigned>(a.status)), 11};
    response_.set(http::field::content_type, "application/json");
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.set(http::field::vary, "Origin");
    if (!a.location.empty()) response_.set(http::field::location, a.location);
    if (!origin.empty()) {
      response_.set(http::field::access_control_allow_origin, origin);
      response_.set(http::field::access_control_allow_methods, "GET, POST");
      response_.set(http::field::access_control_allow_headers, "content-type");
      response_.set(http::field::access_control_max_age, "600");
    }
    response_.keep_alive(keep);
    response_.body() = std::move(a.body);
    response_.prepare_payload();
    stream_.expires_after(idle_max);
    http::async_write(stream_, response_, [self = shared_from_this(), keep](failure bad, std::size_t) {
      if (!bad && keep) return self->read();
      failure ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{128 * 1024};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  site& site_;
};

}  // namespace

struct demo_control::impl {
  site pages;  // outlives the context, whose connections refer to it
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  std::thread thread;

  void accept() {
    acceptor.async_accept([this](failure bad, tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (!bad && pages.connections < connections_max) std::make_shared<connection>(std::move(socket), pages)->read();
      accept();
    });
  }
};

demo_control::demo_control(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

result<std::unique_ptr<demo_control>> demo_control::listen(std::uint16_t port) {
  auto i = std::make_unique<impl>();
  failure bad;
  for (std::uint32_t p = port; p < 65'000U && p < port + 1'000U; ++p) {
    i->acceptor = tcp::acceptor(i->context);
    i->acceptor.open(tcp::v4(), bad);
    if (!bad) i->acceptor.set_option(tcp::acceptor::reuse_address(true), bad);
    if (!bad) i->acceptor.bind({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(p)}, bad);
    if (!bad) i->acceptor.listen(asio::socket_base::max_listen_connections, bad);
    if (!bad) return std::unique_ptr<demo_control>(new demo_control(std::move(i)));
  }
  return error{errc::io, "no free port from " + std::to_string(port) + " on: " + bad.message()};
}

demo_control::~demo_control() {
  if (!impl_->thread.joinable()) return;
  asio::post(impl_->context, [p = impl_.get()] {
    failure ignored;
    p->acceptor.close(ignored);
    p->context.stop();
  });
  impl_->thread.join();
}

std::uint16_t demo_control::port() const { return impl_->acceptor.local_endpoint().port(); }

void demo_control::serve(std::vector<std::string> origins, handler on_call) {
  auto& pages = impl_->pages;
  auto port_text = ":" + std::to_string(port());
  pages.hosts = {"127.0.0.1" + port_text, "localhost" + port_text};
  pages.origins = std::move(origins);
  pages.on_call = std::move(on_call);
  impl_->accept();
  impl_->thread = std::thread([p = impl_.get()] { p->context.run(); });
}

}  // namespace tally
