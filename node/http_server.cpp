#include "node/http_server.hpp"

#include <sys/resource.h>

#include <ctime>
#include <future>

#include "node/config_text.hpp"
#include "node/http_connection.hpp"

namespace tally {
namespace http {
namespace {

constexpr auto sweep_interval_max = std::chrono::milliseconds(1'000);
constexpr std::size_t refused_at_once_max = 32;
constexpr std::size_t closing_max = 64;   // connections that made room and are not closed yet
constexpr std::size_t other_files = 512;  // of the database, links and devices; of those above

std::string date_line() {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[64] = "";
  if (gmtime_r(&now, &parts)) std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  return text;
}

/// As many files as the connections need, if the hard limit allows.
void raise_file_limit(std::size_t connections) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  auto wanted = std::min<rlim_t>(limit.rlim_max, connections + other_files);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

class server final : public http_server {
public:
  server(http_options o, http_services s) : options_(std::move(o)), shared_(options_.limits) {
    shared_.api = std::make_shared<api_context>(std::move(s));
  }
  ~server() override { server::stop(); }

  status open();
  std::string endpoint() const override { return endpoint_; }
  void stop() override;
  tills& paired() override { return shared_.api->paired; }

private:
  status listen();
  asio::awaitable<void> accept();
  std::optional<http_places::number> place_for(const std::string& from, std::size_t home);
  asio::awaitable<void> turn_away(tcp::socket socket);
  void sweep(worker& w);

  http_options options_;
  shared_state shared_;
  std::vector<worker_ptr> workers_;
  std::optional<tcp::acceptor> acceptor_;  // on the first worker
  std::string endpoint_;
  std::size_t next_ = 0;
  bool stopped_ = false;
};

status server::open() {
  if (options_.threads < 1 || options_.threads > 16) return error{errc::bad_config, "http.threads must be 1 to 16"};
  TALLY_TRY(shared_.api->paired.load());
  auto files = web_files::read(options_.web_dir, shared_.api->services.demo_control);
  if (!files) return files.error();
  shared_.files = std::move(*files);
  raise_file_limit(options_.limits.connections);
  for (unsigned i = 0; i < options_.threads; ++i)
    workers_.push_back(std::make_shared<worker>());
  TALLY_TRY(listen());
  auto first = workers_.front();
  shared_.hub = std::make_unique<event_hub>(
      shared_.api, [first](std::function<void()> work) { asio::post(first->io, std::move(work)); },
      options_.limits.streams);
  for (auto& w : workers_) {
    w->date = date_line();
    sweep(*w);
  }
  asio::co_spawn(
      first->io, [this] { return accept(); }, asio::detached);
  // Before the first request: its ticket needs the printer's actor, which this waits for.
  print_unprinted(shared_.api);
  for (auto& w : workers_)
    w->thread = std::thread([w] { w->io.run(); });
  return done();
}

status server::listen() {
  auto where = parse_host_port(options_.listen);
  if (!where) return error{errc::bad_config, "http.listen must be address:port, not " + options_.listen};
  boost::system::error_code ec;
  auto address = asio::ip::make_address(where->host, ec);
  if (ec) return error{errc::bad_config, "http.listen must begin with an IP address, not " + where->host};
  tcp::endpoint at(address, where->port);
  acceptor_.emplace(workers_.front()->io);
  acceptor_->open(at.protocol(), ec);
  if (!ec) acceptor_->set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor_->bind(at, ec);
  if (!ec) acceptor_->listen(512, ec);
  if (ec) return error{errc::io, "cannot listen on " + options_.listen + ": " + ec.message()};
  auto real = acceptor_->local_endpoint(ec);
  shared_.names.names = options_.names;
  shared_.names.names.push_back(address.to_string());
  auto host = real.address().is_v6() ? "[" + real.address().to_string() + "]" : real.address().to_string();
  endpoint_ = host + ":" + std::to_string(real.port());
  return done();
}

/// Nothing: all places are taken, by connections that none makes room for this one.
std::optional<http_places::number> server::place_for(const std::string& from, std::size_t home) {
  if (shared_.open.load() >= options_.limits.connections + closing_max) return std::nullopt;
  auto arrival = shared_.places.arrive(from, home);
  if (!arrival) return std::nullopt;
  shared_.open.fetch_add(1);
  if (const auto& out = arrival->pushed_out) {
    auto of = workers_[out->home];
    asio::post(of->io, [of, id = out->id] {
      if (auto at = of->connections.find(id); at != of->connections.end()) at->second->shared_from_this()->close();
    });
  }
  return arrival->id;
}

asio::awaitable<void> server::accept() {
  while (acceptor_->is_open()) {
    auto home = next_++ % workers_.size();
    auto w = workers_[home];
    boost::system::error_code ec;
    auto socket = co_await acceptor_->async_accept(w->io, asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor) co_return;
    if (ec) {
      // Out of files, most likely: connections that wait are taken once others end.
      asio::steady_timer pause(workers_.front()->io, std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      continue;
    }
    auto far = socket.remote_endpoint(ec).address();
    auto place = place_for(ec ? std::string() : remote_key(far.to_string()), home);
    if (!place) {
      if (shared_.refused.load() < refused_at_once_max) {
        shared_.refused.fetch_add(1);
        auto& io = w->io;
        asio::co_spawn(
            io, [this, s = std::move(socket)]() mutable { return turn_away(std::move(s)); }, asio::detached);
      }
      continue;
    }
    shared_.api->metrics.connections.fetch_add(1, std::memory_order_relaxed);
    asio::post(w->io, [this, w, place = *place, s = std::move(socket)]() mutable {
      auto c = std::make_shared<connection>(std::move(s), place, w, shared_);
      if (!w->stopping) c->start();
    });
  }
}

asio::awaitable<void> server::turn_away(tcp::socket socket) {
  static constexpr std::string_view json =
      R"({"error":"busy","message":"Too many connections. Try again in a moment.","retry":"same_counter"})";
  static const std::string text =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(json.size()) + "\r\nConnection: close\r\n\r\n" + std::string(json);
  boost::system::error_code ec;
  shared_.api->metrics.answered(503);
  socket.non_blocking(true, ec);
  socket.write_some(asio::buffer(text), ec);
  socket.shutdown(tcp::socket::shutdown_send, ec);
  // Long enough for the client to read it; its request is of no interest.
  asio::steady_timer pause(socket.get_executor(), std::chrono::milliseconds(200));
  co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  std::array<char, 4096> ignored{};
  socket.read_some(asio::buffer(ignored), ec);
  shared_.refused.fetch_sub(1);
}

void server::sweep(worker& w) {
  const auto& l = options_.limits;
  auto interval = std::min({sweep_interval_max, l.idle / 2, l.request / 2, l.keep_alive / 2});
  w.sweep.expires_after(std::max(interval, std::chrono::milliseconds(5)));
  w.sweep.async_wait([this, &w](const boost::system::error_code& ec) {
    if (ec) return;
    w.date = date_line();
    auto now = steady::now();
    std::vector<std::shared_ptr<connection>> all;  // one may end while it is looked at
    all.reserve(w.connections.size());
    for (const auto& [place, c] : w.connections)
      all.push_back(c->shared_from_this());
    for (auto& c : all)
      c->check(now);
    if (!w.stopping || !w.connections.empty()) sweep(w);
  });
}

void server::stop() {
  if (std::exchange(stopped_, true) || workers_.empty() || !workers_.front()->thread.joinable()) return;
  std::vector<std::future<void>> ended;
  for (auto& w : workers_) {
    auto said = std::make_shared<std::promise<void>>();
    ended.push_back(said->get_future());
    asio::post(w->io, [this, w, said] {
      boost::system::error_code ignored;
      w->stopping = true;
      if (w == workers_.front()) acceptor_->close(ignored);
      std::vector<std::shared_ptr<connection>> all;
      for (const auto& [place, c] : w->connections)
        all.push_back(c->shared_from_this());
      for (auto& c : all)
        c->wind_down();
      said->set_value();
    });
  }
  for (auto& e : ended)
    e.wait();
  auto deadline = steady::now() + options_.limits.drain;
  while (shared_.open.load() > 0 && steady::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  shared_.hub.reset();
  for (auto& w : workers_) {
    w->io.stop();
    w->thread.join();
  }
  // Sockets and coroutines that are left end here, on this thread, while `shared_` is alive.
  for (auto& w : workers_) {
    std::vector<std::shared_ptr<connection>> all;
    for (const auto& [place, c] : w->connections)
      all.push_back(c->shared_from_this());
    for (auto& c : all)
      c->close();
    all.clear();
    w->work.reset();
    w->sweep.cancel();
    w->io.restart();
    w->io.run_for(std::chrono::milliseconds(200));
  }
}

}  // namespace
}  // namespace http

result<std::unique_ptr<http_server>> http_server::start(http_options options, http_services services) {
  auto s = std::make_unique<http::server>(std::move(options), std::move(services));
  TALLY_TRY(s->open());
  return std::unique_ptr<http_server>(std::move(s));
}

}  // namespace tally
