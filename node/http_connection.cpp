#include "node/http_connection.hpp"

namespace tally::http {
namespace {

constexpr auto token = [](boost::system::error_code& ec) { return asio::redirect_error(asio::use_awaitable, ec); };
constexpr std::size_t read_octets = 8 * 1024;
constexpr std::size_t discard_octets_max = 32u << 20;  // read away after a refusal, so that the client sees it

std::string_view status_line(int code) {
  switch (code) {
    case 200: return "HTTP/1.1 200 OK\r\n";
    case 304: return "HTTP/1.1 304 Not Modified\r\n";
    case 400: return "HTTP/1.1 400 Bad Request\r\n";
    case 401: return "HTTP/1.1 401 Unauthorized\r\n";
    case 403: return "HTTP/1.1 403 Forbidden\r\n";
    case 404: return "HTTP/1.1 404 Not Found\r\n";
    case 405: return "HTTP/1.1 405 Method Not Allowed\r\n";
    case 408: return "HTTP/1.1 408 Request Timeout\r\n";
    case 409: return "HTTP/1.1 409 Conflict\r\n";
    case 415: return "HTTP/1.1 415 Unsupported Media Type\r\n";
    case 413: return "HTTP/1.1 413 Payload Too Large\r\n";
    case 429: return "HTTP/1.1 429 Too Many Requests\r\n";
    case 431: return "HTTP/1.1 431 Request Header Fields Too Large\r\n";
    case 500: return "HTTP/1.1 500 Internal Server Error\r\n";
    case 503: return "HTTP/1.1 503 Service Unavailable\r\n";
    default: return {};
  }
}

/// The call of one request. Holds no connection alive, so a node that forgets to answer costs nothing.
class request_call final : public api_call {
public:
  request_call(std::weak_ptr<connection> c, const worker_ptr& w, std::uint64_t generation)
      : connection_(std::move(c)), worker_(w), generation_(generation) {}
  void finish(api_response r) override {
    if (auto c = connection_.lock()) c->take(generation_, std::move(r));
  }
  void later(std::function<void()> work) override {
    if (auto w = worker_.lock()) asio::post(w->io, std::move(work));
  }
  void after(std::chrono::milliseconds delay, std::function<void()> work) override {
    auto w = worker_.lock();
    if (!w) return;
    auto timer = std::make_shared<asio::steady_timer>(w->io, delay);
    timer->async_wait([timer, work = std::move(work)](const boost::system::error_code& ec) {
      if (!ec) work();
    });
  }

private:
  std::weak_ptr<connection> connection_;
  std::weak_ptr<worker> worker_;
  std::uint64_t generation_;
};

std::string_view view(boost::beast::string_view v) { return {v.data(), v.size()}; }

}  // namespace

connection::connection(tcp::socket socket, http_places::number place, worker_ptr w, shared_state& shared)
    : socket_(std::move(socket)),
      place_(place),
      worker_(std::move(w)),
      shared_(shared),
      wake_(worker_->io, steady::time_point::max()) {
  buffer_.max_size(shared_.limits.header_bytes + 2 * read_octets);
  boost::system::error_code ec;
  auto far = socket_.remote_endpoint(ec).address(), near = ec ? far : socket_.local_endpoint(ec).address();
  if (!ec) {
    remote_ = far.to_string();
    local_ = near.to_string();
    loopback_ = far.is_loopback();
  }
  worker_->connections.emplace(place_, this);
}

connection::~connection() {
  worker_->connections.erase(place_);
  shared_.places.leave(place_);
  shared_.open.fetch_sub(1);
  shared_.api->metrics.connections.fetch_sub(1, std::memory_order_relaxed);
}

void connection::start() {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
  asio::co_spawn(
      worker_->io, [me = shared_from_this()] { return me->run(); }, [](const std::exception_ptr&) {});
}

void connection::enter(phase p, std::chrono::milliseconds limit) {
  phase_ = p;
  deadline_ = steady::now() + limit;
}

void connection::close() {
  boost::system::error_code ignored;
  peer_gone_ = true;
  wake_.cancel();
  socket_.close(ignored);
}

void connection::check(steady::time_point now) {
  if (now < deadline_) return;
  if (phase_ == phase::calling) {
    // The request may still be recorded: the client must ask again with the same counter.
    return take(generation_, refuse(*shared_.api, {errc::timeout, "the node did not answer in time"}));
  }
  if (phase_ != phase::streaming) return close();
  deadline_ = now + shared_.limits.keep_alive;
  if (ping_) return close();  // the comment before this one is not written yet
  ping_ = true;
  wake_.cancel();
}

void connection::wind_down() {
  if (phase_ == phase::idle || phase_ == phase::streaming || phase_ == phase::receiving) close();
}

void connection::take(std::uint64_t generation, api_response r) {
  if (generation != generation_ || phase_ != phase::calling || answer_) return;
  answer_ = std::move(r);
  wake_.cancel();
}

asio::awaitable<void> connection::pause() {
  boost::system::error_code ec;
  co_await wake_.async_wait(token(ec));
}

asio::awaitable<bool> connection::fill() {
  if (buffer_.size() + read_octets > buffer_.max_size()) co_return false;
  boost::system::error_code ec;
  auto n = co_await socket_.async_read_some(buffer_.prepare(read_octets), token(ec));
  buffer_.commit(n);
  co_return !ec && n > 0;
}

bool connection::refused(int status, std::string detail) {
  refused_ = refuse(*shared_.api, {errc::malformed, std::move(detail)});
  refused_.status = status;
  return false;
}

/// Looks at a complete header before any of the body is taken. False: refused.
bool connection::check_header(parser& p) {
  const auto& m = p.get();
  auto length = p.content_length();
  request_head head{.method = view(m.method_string()),
                    .authority = view(m[beast::field::host]),
                    .origin = view(m[beast::field::origin]),
                    .content_type = view(m[beast::field::content_type]),
                    .old = m.version() < 11,
                    .hosts = m.count(beast::field::host),
                    .origins = m.count(beast::field::origin),
                    .coding = view(m[beast::field::transfer_encoding]),
                    .codings = m.count(beast::field::transfer_encoding),
                    .types = m.count(beast::field::content_type),
                    .body = p.chunked() || (length && *length > 0)};
  auto target = origin_form(view(m.target()), head.authority);
  if (auto no = check_origin(*shared_.api, head, shared_.names, local_)) {
    refused_ = std::move(*no);
    return false;
  }
  bool admin = target.starts_with(admin_prefix) && is_admin(*shared_.api, view(m[beast::field::authorization]));
  auto limit = admin ? shared_.limits.admin_body_bytes : shared_.limits.body_bytes;
  if (length && *length > limit) return refused(413, "the body has more than " + std::to_string(limit) + " octets");
  p.body_limit(limit);
  p.eager(true);
  return true;
}

asio::awaitable<connection::received> connection::receive(parser& p) {
  p.header_limit(static_cast<std::uint32_t>(shared_.limits.header_bytes));
  p.body_limit(boost::none);
  p.eager(false);
  bool header = false;
  for (;;) {
    std::size_t used = 0;
    if (buffer_.size() > 0) {
      boost::system::error_code ec;
      used = p.put(buffer_.data(), ec);
      buffer_.consume(used);
      if (ec && ec != beast::error::need_more) {
        bool too_large = ec == beast::error::body_limit;
        bool header_large = ec == beast::error::header_limit;
        refused(too_large      ? 413
                : header_large ? 431
                               : 400,
                too_large      ? "the body is too long"
                : header_large ? "the header is too long"
                               : "no HTTP request");
        co_return received::refused;
      }
    }
    if (!header && p.is_header_done()) {
      header = true;
      if (!check_header(p)) co_return received::refused;
      if (same_word(view(p.get()[beast::field::expect]), "100-continue")) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        if (!co_await write(asio::buffer(go_on), {})) co_return received::closed;
      }
      used = 1;
    }
    if (p.is_done()) co_return received::request;
    if (used > 0 && buffer_.size() > 0) continue;
    if (!co_await fill()) co_return received::closed;
  }
}

asio::awaitable<bool> connection::write(asio::const_buffer a, asio::const_buffer b) {
  std::array<asio::const_buffer, 2> both{a, b};
  boost::system::error_code ec;
  // An answer nearly always fits into the socket's buffer.
  auto n = socket_.write_some(both, ec);
  if (ec == asio::error::would_block) n = 0;
  if (ec && ec != asio::error::would_block) co_return false;
  if (n == asio::buffer_size(both)) co_return true;
  auto take = std::min(n, both[0].size());
  both[0] += take;
  both[1] += n - take;
  ec.clear();
  co_await asio::async_write(socket_, both, token(ec));
  co_return !ec;
}

asio::awaitable<bool> connection::send(const api_response& r, bool head, bool keep) {
  shared_.api->metrics.answered(r.status);
  const auto& body = r.shared_body ? *r.shared_body : r.body;
  header_.clear();
  auto line = status_line(r.status);
  if (line.empty()) {
    header_ += "HTTP/1.1 " + std::to_string(r.status) + " Status\r\n";
  } else {
    header_ += line;
  }
  header_ += worker_->date;
  if (r.status != 304) {
    header_.append("Content-Type: ").append(r.content_type).append("\r\nContent-Length: ");
    header_ += std::to_string(body.size());
    header_ += "\r\n";
  }
  if (!r.shared_body && r.status != 304) header_ += "Cache-Control: no-store\r\n";
  header_ += "X-Content-Type-Options: nosniff\r\n";
  header_ += r.headers;
  header_ += keep ? "\r\n" : "Connection: close\r\n\r\n";
  return write(asio::buffer(header_), head || r.status == 304 ? asio::const_buffer{} : asio::buffer(body));
}

asio::awaitable<void> connection::refuse_and_linger() {
  enter(phase::sending, shared_.limits.request);
  if (!co_await send(refused_, false, false)) co_return;
  boost::system::error_code ec;
  socket_.shutdown(tcp::socket::shutdown_send, ec);
  // Closing with octets unread would reset the connection, and the client would never see why.
  buffer_.clear();
  for (std::size_t taken = 0; taken < discard_octets_max;) {
    auto n = co_await socket_.async_read_some(buffer_.prepare(read_octets), token(ec));
    if (ec || n == 0) co_return;
    taken += n;
  }
}

asio::awaitable<bool> connection::serve(parser& p) {
  auto& m = p.get();
  std::string_view authority;
  auto target = origin_form(view(m.target()), authority);
  auto method = view(m.method_string());
  api_request r;
  r.method = method;
  r.path = target.substr(0, target.find('?'));
  r.query = target.substr(std::min(target.size(), r.path.size() + 1));
  r.authorization = view(m[beast::field::authorization]);
  r.cookie = view(m[beast::field::cookie]);
  r.if_none_match = view(m[beast::field::if_none_match]);
  r.body = m.body();
  r.remote = remote_;
  r.loopback = loopback_;
  bool head = method == "HEAD", keep = p.keep_alive() && !worker_->stopping;
  enter(phase::calling, shared_.limits.request);
  ++generation_;
  answer_.reset();
  if (r.path == events_path && method != "GET") {
    answer_ = wrong_method(*shared_.api, "GET");
  } else if (r.path == events_path) {
    if (auto terminal = terminal_of(*shared_.api, r)) {
      co_await stream(*terminal);
      co_return false;
    }
    answer_ = unauthorised(*shared_.api);
  } else if (auto page = shared_.files.find(r.path, r.if_none_match)) {
    answer_ = method == "GET" || head ? std::move(*page) : wrong_method(*shared_.api, "GET, HEAD");
  } else {
    auto call = std::make_shared<request_call>(weak_from_this(), worker_, generation_);
    try {
      route(shared_.api, r, call);
    } catch (const std::exception&) {
      take(generation_, refuse(*shared_.api, {errc::internal, ""}));
    }
    while (!answer_ && !peer_gone_)
      co_await pause();
    if (peer_gone_) co_return false;
  }
  enter(phase::sending, shared_.limits.request);
  co_return co_await send(*answer_, head, keep && !worker_->stopping) && keep && !worker_->stopping;
}

void connection::push(const std::shared_ptr<const std::string>& event) {
  if (peer_gone_) return;
  if (events_.size() >= shared_.limits.stream_events) return close();
  events_.push_back(event);
  wake_.cancel();
}

asio::awaitable<void> connection::watch_peer() {
  std::array<char, 256> ignored_octets{};
  boost::system::error_code ec;
  while (!ec)
    co_await socket_.async_read_some(asio::buffer(ignored_octets), token(ec));
  close();
}

asio::awaitable<void> connection::stream(std::uint32_t terminal) {
  auto id = shared_.hub->add(terminal, [weak = weak_from_this(), w = worker_](const auto& event) {
    asio::post(w->io, [weak, event] {
      auto me = weak.lock();
      if (me && event) return me->push(event);
      if (me) me->close();  // a newer stream of this terminal took its place
    });
  });
  if (!id) {
    auto r = refuse(*shared_.api, problem::too_many_streams);
    enter(phase::sending, shared_.limits.request);
    (void)co_await send(r, false, false);
    co_return;
  }
  shared_.api->metrics.answered(200);
  enter(phase::streaming, shared_.limits.keep_alive);
  asio::co_spawn(
      worker_->io, [me = shared_from_this()] { return me->watch_peer(); }, asio::detached);
  header_ = "HTTP/1.1 200 OK\r\n" + worker_->date +
            "Content-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
            "Connection: close\r\n\r\n: hello\n\n";
  bool ok = co_await write(asio::buffer(header_), {});
  static constexpr std::string_view comment = ": alive\n\n";
  while (ok && !peer_gone_) {
    if (!events_.empty()) {
      auto event = events_.front();
      ok = co_await write(asio::buffer(*event), {});
      events_.pop_front();
      ping_ = false;  // the peer heard of us
    } else if (ping_) {
      ok = co_await write(asio::buffer(comment), {});
      ping_ = false;
    } else {
      co_await pause();
    }
  }
  shared_.hub->remove(*id);
  close();
}

asio::awaitable<void> connection::run() {
  for (bool more = true, first = true; more && !peer_gone_; first = false) {
    enter(phase::idle, shared_.limits.idle);
    if (!first) shared_.places.waits(place_);
    if (buffer_.size() == 0 && !co_await fill()) break;
    enter(phase::receiving, shared_.limits.request);
    // A till that was quiet for long and asks something now is not the first to go. Of the first request the time since
    // the connection was made counts: octets that come one by one keep no place.
    if (!first) shared_.places.waits(place_);
    parser p;
    auto what = co_await receive(p);
    if (what == received::closed) break;
    if (what == received::refused) {
      co_await refuse_and_linger();
      break;
    }
    if (!shared_.places.works(place_)) break;  // it made room for another one meanwhile
    more = co_await serve(p);
  }
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  close();
}

}  // namespace tally::http
