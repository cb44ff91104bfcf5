#pragma once
// Inside of the HTTP server; nobody else includes this.
#include <deque>
#include <list>
#include <thread>
#include <unordered_map>

#include <boost/asio.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "node/api_events.hpp"
#include "node/http_files.hpp"
#include "node/http_guard.hpp"
#include "node/http_places.hpp"
#include "node/http_router.hpp"
#include "node/http_server.hpp"

namespace tally::http {

namespace asio = boost::asio;
namespace beast = boost::beast::http;
using asio::ip::tcp;
using steady = std::chrono::steady_clock;

class connection;

/// One thread with its own executor and the connections that live on it. Shared with callbacks under way, so
/// that posting to a server that is gone is harmless.
struct worker {
  asio::io_context io{1};
  asio::steady_timer sweep{io};
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{asio::make_work_guard(io)};
  std::unordered_map<http_places::number, connection*> connections;  // by their places; its own thread only
  std::string date;                                                  // header line, renewed by the sweep
  bool stopping = false;
  std::thread thread;
};
using worker_ptr = std::shared_ptr<worker>;

/// What all connections share; outlives the workers' threads.
struct shared_state {
  explicit shared_state(const http_limits& l) : limits(l), places(l.connections) {}
  api_ptr api;
  web_files files;
  http_limits limits;
  http_places places;
  std::unique_ptr<event_hub> hub;
  own_names names;
  std::atomic<std::size_t> open{0}, refused{0};
};

/// One client. A coroutine reads, calls, answers; the sweep of its worker ends what takes too long. One thread.
class connection : public std::enable_shared_from_this<connection> {
public:
  connection(tcp::socket socket, http_places::number place, worker_ptr w, shared_state& shared);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void start();
  /// Called by the sweep.
  void check(steady::time_point now);
  /// The server stops: what is idle ends now, what is under way after its answer.
  void wind_down();
  void close();
  /// The answer to call number `generation`; late ones are dropped.
  void take(std::uint64_t generation, api_response r);
  const worker_ptr& home() const { return worker_; }

private:
  enum class phase : std::uint8_t { idle, receiving, calling, sending, streaming };
  using parser = beast::request_parser<beast::string_body>;
  /// What receiving a request came to.
  enum class received : std::uint8_t { request, closed, refused };

  asio::awaitable<void> run();
  asio::awaitable<bool> fill();
  asio::awaitable<received> receive(parser& p);
  asio::awaitable<bool> serve(parser& p);
  asio::awaitable<bool> send(const api_response& r, bool head, bool keep);
  asio::awaitable<bool> write(asio::const_buffer a, asio::const_buffer b);
  asio::awaitable<void> refuse_and_linger();
  asio::awaitable<void> stream(std::uint32_t terminal);
  asio::awaitable<void> watch_peer();
  asio::awaitable<void> pause();
  bool check_header(parser& p);
  bool refused(int status, std::string detail);
  void push(const std::shared_ptr<const std::string>& event);
  void enter(phase p, std::chrono::milliseconds limit);

  tcp::socket socket_;
  const http_places::number place_;
  worker_ptr worker_;
  shared_state& shared_;
  boost::beast::flat_buffer buffer_;
  asio::steady_timer wake_;
  phase phase_ = phase::idle;
  steady::time_point deadline_;
  std::uint64_t generation_ = 0;
  std::optional<api_response> answer_;
  std::string header_;
  std::deque<std::shared_ptr<const std::string>> events_;
  bool ping_ = false, peer_gone_ = false;
  api_response refused_;  // to a request that is refused before it is read to its end
  std::string remote_, local_;
  bool loopback_ = false;
};

}  // namespace tally::http
