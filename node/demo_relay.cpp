#include "node/demo_relay.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <list>
#include <thread>

namespace tally {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using failure = boost::system::error_code;

/// One connection through the relay. Lives on the relay's thread.
class session : public std::enable_shared_from_this<session> {
public:
  session(tcp::socket near, const std::atomic<bool>& cut)
      : near_(std::move(near)), far_(near_.get_executor()), cut_(cut) {}

  bool leads_nowhere() const { return !connected_; }
  bool closed() const { return closed_; }

  void close() {
    closed_ = true;
    failure ignored;
    near_.close(ignored);
    far_.close(ignored);
  }

  /// Does what the state of the wire allows; called again when it is healed.
  void go(const tcp::endpoint& target) {
    if (closed_ || cut_) return;
    if (connected_) {
      pump(up_);
      pump(down_);
    } else if (!connecting_) {
      connecting_ = true;
      far_.async_connect(target, [self = shared_from_this(), target](failure bad) {
        self->connecting_ = false;
        if (bad) return self->close();
        self->connected_ = true;
        self->go(target);
      });
    }
  }

private:
  struct way {
    tcp::socket& from;
    tcp::socket& to;
    std::array<char, 16 * 1024> buffer{};
    std::size_t held = 0;
    bool busy = false, ended = false;
  };

  void pump(way& w) {
    if (closed_ || w.busy || cut_) return;
    if (w.ended) return close();
    w.busy = true;
    if (w.held > 0) {
      asio::async_write(w.to, asio::buffer(w.buffer.data(), w.held),
                        [self = shared_from_this(), &w](failure bad, std::size_t) {
                          w.held = 0;
                          self->next(w, bad);
                        });
    } else {
      w.from.async_read_some(asio::buffer(w.buffer), [self = shared_from_this(), &w](failure bad, std::size_t n) {
        w.held = n;
        self->next(w, bad);
      });
    }
  }

  // While the wire is cut, what was read and even the end of a connection wait here: nobody may hear of them.
  void next(way& w, failure bad) {
    w.busy = false;
    w.ended = w.ended || bad;
    pump(w);
  }

  tcp::socket near_, far_;
  const std::atomic<bool>& cut_;
  way up_{near_, far_}, down_{far_, near_};
  bool connecting_ = false, connected_ = false, closed_ = false;
};

}  // namespace

struct demo_relay::impl {
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  tcp::endpoint target;
  std::atomic<bool> cut{false};
  std::list<std::shared_ptr<session>> sessions;
  std::thread thread;

  void accept() {
    acceptor.async_accept([this](failure bad, tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (!bad) take(std::move(socket));
      accept();
    });
  }

  void take(tcp::socket socket) {
    sessions.remove_if([](const auto& s) { return s->closed(); });
    if (sessions.size() >= sessions_max) {
      auto oldest = std::find_if(sessions.begin(), sessions.end(), [](const auto& s) { return s->leads_nowhere(); });
      if (oldest == sessions.end()) return;
      (*oldest)->close();
      sessions.erase(oldest);
    }
    failure ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    sessions.push_back(std::make_shared<session>(std::move(socket), cut));
    sessions.back()->go(target);
  }
};

demo_relay::demo_relay(std::unique_ptr<impl> i) : impl_(std::move(i)) {}

result<std::unique_ptr<demo_relay>> demo_relay::start(std::uint16_t target_port) {
  auto i = std::make_unique<impl>();
  auto loopback = asio::ip::address_v4::loopback();
  i->target = {loopback, target_port};
  failure bad;
  i->acceptor.open(tcp::v4(), bad);
  if (!bad) i->acceptor.bind({loopback, 0}, bad);
  if (!bad) i->acceptor.listen(16, bad);
  if (bad) return error{errc::io, "a relay of the demo: " + bad.message()};
  i->accept();
  i->thread = std::thread([p = i.get()] { p->context.run(); });
  return std::unique_ptr<demo_relay>(new demo_relay(std::move(i)));
}

demo_relay::~demo_relay() {
  asio::post(impl_->context, [p = impl_.get()] {
    failure ignored;
    p->acceptor.close(ignored);
    for (auto& s : p->sessions)
      s->close();
    p->context.stop();
  });
  impl_->thread.join();
}

std::uint16_t demo_relay::port() const { return impl_->acceptor.local_endpoint().port(); }

void demo_relay::set_cut(bool cut) {
  impl_->cut = cut;
  asio::post(impl_->context, [p = impl_.get()] {
    for (auto& s : p->sessions)
      s->go(p->target);
  });
}

bool demo_relay::is_cut() const { return impl_->cut; }

}  // namespace tally
