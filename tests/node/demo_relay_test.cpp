#include "node/demo_relay.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include "devices/driver_fd.hpp"

using namespace tally;

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

struct listener {
  unique_fd fd{::socket(AF_INET, SOCK_STREAM, 0)};
  std::uint16_t port = 0;
  listener() {
    auto at = loopback(0);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(fd.get(), 16) == 0);
    socklen_t size = sizeof at;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
  }
  unique_fd accept() const { return unique_fd(::accept(fd.get(), nullptr, nullptr)); }
};

unique_fd call(std::uint16_t port) {
  unique_fd s(::socket(AF_INET, SOCK_STREAM, 0));
  auto at = loopback(port);
  REQUIRE(::connect(s.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  return s;
}

void send(const unique_fd& s, const std::string& text) {
  REQUIRE(::write(s.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}
std::string receive(const unique_fd& s, std::size_t n) {
  std::string out(n, '\0');
  std::size_t have = 0;
  while (have < n) {
    auto got = ::read(s.get(), out.data() + have, n - have);
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}
bool silent(const unique_fd& s) {
  pollfd p{s.get(), POLLIN, 0};
  return ::poll(&p, 1, 50) == 0;
}

}  // namespace

TEST_CASE("a wire carries both ways, is cut without a word, and goes on where it stopped", "[relay]") {
  listener parent;
  auto wire = demo_relay::start(parent.port);
  REQUIRE(wire);
  auto child = call((*wire)->port());
  auto far = parent.accept();
  send(child, "hello");
  CHECK(receive(far, 5) == "hello");
  send(far, "world");
  CHECK(receive(child, 5) == "world");

  (*wire)->set_cut(true);
  CHECK((*wire)->is_cut());
  send(child, "while cut");
  send(far, "nothing");
  auto late = call((*wire)->port());  // accepted, and leads nowhere
  send(late, "late");
  CHECK(silent(far));
  CHECK(silent(child));
  CHECK(silent(parent.fd));

  (*wire)->set_cut(false);
  CHECK(receive(far, 9) == "while cut");
  CHECK(receive(child, 7) == "nothing");
  auto far_late = parent.accept();
  CHECK(receive(far_late, 4) == "late");
}

TEST_CASE("an end behind a cut wire is heard of only when it is healed", "[relay]") {
  listener parent;
  auto wire = demo_relay::start(parent.port);
  REQUIRE(wire);
  auto child = call((*wire)->port());
  auto far = parent.accept();
  send(child, "x");
  CHECK(receive(far, 1) == "x");
  (*wire)->set_cut(true);
  child.reset();
  CHECK(silent(far));
  (*wire)->set_cut(false);
  CHECK(receive(far, 1).empty());
}

TEST_CASE("connections that lead nowhere are bounded; the target may be away", "[relay]") {
  listener parent;
  auto wire = demo_relay::start(parent.port);
  REQUIRE(wire);
  (*wire)->set_cut(true);
  std::vector<unique_fd> many;
  for (std::size_t i = 0; i < demo_relay::sessions_max + 4; ++i)
    many.push_back(call((*wire)->port()));
  CHECK(receive(many.front(), 1).empty());  // the oldest was closed
  parent.fd.reset();
  (*wire)->set_cut(false);
  CHECK(receive(many.back(), 1).empty());
}
