#include "sync/zmq_world.hpp"

using namespace tally;
using namespace tally::zmq_test;

TEST_CASE("an admitted key speaks and is spoken to", "[sync][zmq]") {
  world w;
  w.echo = true;
  child c(w);
  w.admit(c.key, 7);
  w.open();
  c.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(c.links.wait_for(true));
  CHECK(c.client->is_up());
  REQUIRE(c.client->send("hello"));
  REQUIRE(c.messages.wait_for("echo hello"));
  CHECK(w.messages.all() == std::vector<received>{{7, "hello"}});
  CHECK(w.links.all() == std::vector<std::pair<std::uint32_t, bool>>{{7, true}});
  CHECK_FALSE(w.server->send(node_id{8}, "nobody"));

  // The largest message passes both ways, one octet more is refused before it leaves.
  w.echo = false;
  bytes big(link_message_bytes_max, 'b');
  REQUIRE(c.client->send(big));
  REQUIRE(w.messages.wait_for({7, big}));
  REQUIRE(w.server->send(node_id{7}, big));
  REQUIRE(c.messages.wait_for(big));
  CHECK_FALSE(c.client->send(big + 'x'));
  CHECK_FALSE(w.server->send(node_id{7}, big + 'x'));
  REQUIRE(c.client->send(""));
  REQUIRE(w.messages.wait_for({7, ""}));
  CHECK(w.faults.all().empty());
  CHECK(c.faults.all().empty());
}

TEST_CASE("order holds through a long burst", "[sync][zmq]") {
  world w;
  child c(w);
  w.admit(c.key, 7);
  w.open();
  c.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(c.links.wait_for(true));
  for (int i = 0; i < 5000; ++i)
    while (!c.client->send(std::to_string(i)))
      std::this_thread::yield();
  REQUIRE(w.messages.wait_for_count(5000));
  auto got = w.messages.all();
  int wrong = 0;
  for (int i = 0; i < 5000; ++i)
    wrong += got[static_cast<std::size_t>(i)] != received{7, std::to_string(i)};
  CHECK(wrong == 0);
}

TEST_CASE("an unknown key is refused until it is certified", "[sync][zmq]") {
  world w;
  child c(w);
  w.open();
  c.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(w.refused.wait_for(c.key.pub));
  REQUIRE(c.refused.wait_for("the parent does not admit this node's key"));
  CHECK_FALSE(c.client->is_up());
  CHECK_FALSE(c.client->send("let me in"));
  w.admit(c.key, 9);
  REQUIRE(c.links.wait_for(true));
  REQUIRE(c.client->send("thanks"));
  REQUIRE(w.messages.wait_for({9, "thanks"}));
  CHECK(w.messages.all().size() == 1);
}

TEST_CASE("a parent without the expected key is never up", "[sync][zmq]") {
  world w;
  child c(w);
  w.admit(c.key, 7);
  w.open();
  c.connect(w.server->endpoint(), make_curve_key(w.source).pub);
  REQUIRE(c.refused.wait_for_count(1));
  CHECK(c.links.all().empty());
  CHECK(w.messages.all().empty());
}

/// Both of one key: the second takes the place of the first, and each has said something.
static void one_after_the_other(world& w, child& first, child& second) {
  first.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(first.links.wait_for(true));
  REQUIRE(first.client->send("one"));
  REQUIRE(first.messages.wait_for("echo one"));
  second.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(second.links.wait_for(true));
  REQUIRE(second.client->send("two"));
}

TEST_CASE("the newest connection of a key replaces the older one", "[sync][zmq]") {
  world w;
  w.echo = true;
  child first(w);
  w.admit(first.key, 7);
  w.open();
  child second(first.key, 0);
  one_after_the_other(w, first, second);
  REQUIRE(second.messages.wait_for("echo two"));
  CHECK(w.links.wait_for({7, true}, 2));
  for (int i = 0; i < 20; ++i) {
    (void)first.client->send("old");
    REQUIRE(second.client->send("new" + std::to_string(i)));
    REQUIRE(second.messages.wait_for("echo new" + std::to_string(i)));
  }
  CHECK_FALSE(w.messages.contains({7, "old"}));
  REQUIRE(w.server->send(node_id{7}, "to the newest"));
  REQUIRE(second.messages.wait_for("to the newest"));
  CHECK(first.messages.all() == std::vector<bytes>{"echo one"});
}

TEST_CASE("a connection whose place a newer one took is told so at once, and whenever it speaks", "[sync][zmq]") {
  world w;
  w.echo = true;
  w.last_word = "replaced";
  child first(w);
  w.admit(first.key, 7);
  w.open();
  child second(first.key, 0);
  one_after_the_other(w, first, second);
  REQUIRE(first.messages.wait_for("replaced"));
  REQUIRE(first.client->send("am I?"));
  REQUIRE(first.messages.wait_for("replaced", 2));
  CHECK_FALSE(w.messages.contains({7, "am I?"}));

  // It connects anew and has its place again; the other one is told.
  first.client->reset();
  REQUIRE(first.links.wait_for(true, 2));
  REQUIRE(first.client->send("three"));
  REQUIRE(first.messages.wait_for("echo three"));
  REQUIRE(second.messages.wait_for("replaced"));
  CHECK(second.messages.all() == std::vector<bytes>{"echo two", "replaced"});
  CHECK(w.faults.all().empty());
}

TEST_CASE("messages belong to the key, whatever a peer calls itself", "[sync][zmq]") {
  world w;
  system_entropy source;
  auto thief = make_curve_key(source), honest = make_curve_key(source);
  w.admit(thief, 13);
  w.admit(honest, 7);
  w.open();
  raw_peer named(thief, w, "7.0");
  raw_peer other(honest, w);
  named.send("I am seven");
  other.send("so am I");
  REQUIRE(w.messages.wait_for({7, "so am I"}));
  raw_peer plain(thief, w);
  plain.send("thirteen");
  REQUIRE(w.messages.wait_for({13, "thirteen"}));
  for (const auto& [from, text] : w.messages.all())
    CHECK(from == (text == "so am I" ? 7u : 13u));
  CHECK_FALSE(w.messages.contains({13, "I am seven"}));  // a name of its own is no connection of ours
}

TEST_CASE("a dropped node is not heard again on its open connection", "[sync][zmq]") {
  world w;
  w.echo = true;
  child c(w), other(w);
  w.admit(c.key, 7);
  w.admit(other.key, 8);
  w.open();
  c.connect(w.server->endpoint(), w.server_key.pub);
  other.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(c.links.wait_for(true));
  REQUIRE(other.links.wait_for(true));
  REQUIRE(c.client->send("before"));
  REQUIRE(c.messages.wait_for("echo before"));
  w.server->drop(node_id{7});
  CHECK_FALSE(w.server->send(node_id{7}, "gone"));
  for (int i = 0; i < 20; ++i) {
    (void)c.client->send("after");
    REQUIRE(other.client->send(std::to_string(i)));
    REQUIRE(other.messages.wait_for("echo " + std::to_string(i)));
  }
  CHECK_FALSE(w.messages.contains({7, "after"}));
  // A new connection is asked about again.
  c.client->reset();
  REQUIRE(c.links.wait_for(true, 2));
  REQUIRE(c.client->send("again"));
  REQUIRE(c.messages.wait_for("echo again"));
}

TEST_CASE("old keys of a node neither push it off its link nor are taken for it", "[sync][zmq]") {
  world w;
  w.echo = true;
  child now(w), before(w);
  w.admit(now.key, 7);
  {
    std::lock_guard lock(w.mutex);
    w.admitted[before.key.pub] = link_peer({7}, true);
  }
  w.open();
  now.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(now.links.wait_for(true));
  REQUIRE(now.client->send("new"));
  REQUIRE(now.messages.wait_for("echo new"));
  before.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(before.links.wait_for(true));
  REQUIRE(before.client->send("old"));
  REQUIRE(before.messages.wait_for("echo old"));
  REQUIRE(w.server->send({{7}, true}, "for the old"));
  REQUIRE(w.server->send(node_id{7}, "for the new"));
  REQUIRE(before.messages.wait_for("for the old"));
  REQUIRE(now.messages.wait_for("for the new"));
  w.server->drop({{7}, true});
  CHECK_FALSE(w.server->send({{7}, true}, "gone"));
  CHECK(w.server->send(node_id{7}, "still there"));
  CHECK(now.messages.wait_for("still there"));
}

TEST_CASE("a server that comes back finds its children", "[sync][zmq]") {
  world w;
  w.echo = true;
  child c(w);
  w.admit(c.key, 7);
  w.open();
  auto endpoint = w.server->endpoint();
  c.connect(endpoint, w.server_key.pub);
  for (std::size_t round = 1; round <= 3; ++round) {
    REQUIRE(c.links.wait_for(true, round));
    REQUIRE(c.client->send("round " + std::to_string(round)));
    REQUIRE(c.messages.wait_for("echo round " + std::to_string(round)));
    w.server.reset();
    REQUIRE(c.links.wait_for(false, round));
    CHECK_FALSE(c.client->is_up());
    CHECK_FALSE(c.client->send("into the void"));
    w.open(endpoint);
  }
  CHECK_FALSE(w.messages.contains({7, "into the void"}));
  CHECK(c.faults.all().empty());
}

TEST_CASE("a child that left is noticed though nothing is sent to it", "[sync][zmq]") {
  world w;
  w.echo = true;
  child c(w);
  w.admit(c.key, 7);
  w.open();
  c.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(c.links.wait_for(true));
  REQUIRE(c.client->send("hi"));
  REQUIRE(c.messages.wait_for("echo hi"));
  c.client.reset();
  CHECK(w.links.wait_for({7, false}));
  CHECK_FALSE(w.server->send(node_id{7}, "there?"));
  // Whoever gets its place in the system's table of sockets is not taken for it.
  child other(w);
  w.admit(other.key, 8);
  other.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(other.links.wait_for(true));
  REQUIRE(other.client->send("hi"));
  REQUIRE(other.messages.wait_for("echo hi"));
  CHECK_FALSE(w.links.contains({8, false}));
  CHECK(w.server->send(node_id{8}, "there?"));
}

TEST_CASE("garbage on the port harms nobody", "[sync][zmq]") {
  world w;
  w.echo = true;
  child c(w);
  w.admit(c.key, 7);
  w.open();
  c.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(c.links.wait_for(true));
  throw_garbage(w.server->endpoint());
  int idle = tcp_connect(w.server->endpoint());
  REQUIRE(c.client->send("still here"));
  REQUIRE(c.messages.wait_for("echo still here"));
  ::close(idle);
  // And a parent's address where something else answers.
  CHECK(w.messages.all().size() == 1);
  CHECK(w.faults.all().empty());
}

TEST_CASE("oversized and many-framed messages never arrive", "[sync][zmq]") {
  world w;
  w.echo = true;
  child c(w), honest(w);
  w.admit(c.key, 7);
  w.admit(honest.key, 8);
  w.open();
  honest.connect(w.server->endpoint(), w.server_key.pub);
  REQUIRE(honest.links.wait_for(true));
  raw_peer peer(c.key, w);
  peer.send("first");
  REQUIRE(w.messages.wait_for({7, "first"}));
  peer.send("two", true);
  peer.send("frames");
  peer.send("", true);
  peer.send("", true);
  peer.send("three");
  peer.send("second");
  REQUIRE(w.messages.wait_for({7, "second"}));
  CHECK(w.messages.all().size() == 2);
  // Its connection falls; the peer's library makes another, on which it is heard again.
  peer.send(std::string(link_message_bytes_max + 4096, 'x'));
  for (int i = 0; i < 600 && !w.messages.contains({7, "third"}); ++i) {
    peer.send("third");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  CHECK(w.messages.contains({7, "third"}));
  CHECK(w.links.wait_for({7, true}, 2));
  for (const auto& [from, text] : w.messages.all())
    CHECK(text.size() < 10);
  REQUIRE(honest.client->send("fine"));
  REQUIRE(honest.messages.wait_for("echo fine"));
}

TEST_CASE("queues are bounded both ways, and what was taken arrives", "[sync][zmq]") {
  world w;
  child c(w);
  w.admit(c.key, 7);
  const bytes block(100'000, 'q');

  SECTION("towards a parent that does not read") {
    zmq::context_t context(1);
    zmq::socket_t lazy(context, zmq::socket_type::router);
    lazy.set(zmq::sockopt::linger, 0);
    lazy.set(zmq::sockopt::rcvhwm, 1);
    lazy.set(zmq::sockopt::curve_server, true);
    lazy.set(zmq::sockopt::curve_secretkey, zmq::buffer(w.server_key.secret.data(), 32));
    lazy.bind("tcp://127.0.0.1:*");
    c.connect(lazy.get(zmq::sockopt::last_endpoint), w.server_key.pub);
    REQUIRE(c.links.wait_for(true));
    std::size_t taken = 0, refused = 0;
    // The sender is quicker than the pump, so it is refused now and then before everything behind it is full.
    while (refused < 200 && taken < 100'000) {
      if (c.client->send(block))
        ++taken;
      else
        ++refused, std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(refused == 200);
    CHECK(taken < 1000);
    for (std::size_t i = 0; i < taken; ++i) {
      zmq::message_t id, body;
      REQUIRE(lazy.recv(id));
      REQUIRE(lazy.recv(body));
      CHECK(body.size() == block.size());
    }
  }
  SECTION("towards a child that does not read") {
    w.open();
    raw_peer lazy(c.key, w);
    lazy.socket.set(zmq::sockopt::rcvhwm, 1);
    lazy.send("hello");
    REQUIRE(w.messages.wait_for({7, "hello"}));
    std::size_t taken = 0, refused = 0;
    while (refused < 200 && taken < 100'000) {
      if (w.server->send(node_id{7}, block))
        ++taken;
      else
        ++refused, std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(refused == 200);
    CHECK(taken < 1000 * 2);
    for (std::size_t i = 0; i < taken; ++i) {
      zmq::message_t body;
      REQUIRE(lazy.socket.recv(body));
      CHECK(body.size() == block.size());
    }
  }
  SECTION("in number too") {
    w.open();
    raw_peer lazy(c.key, w);
    lazy.send("hello");
    REQUIRE(w.messages.wait_for({7, "hello"}));
    std::size_t taken = 0;
    while (taken < 10'000'000 && w.server->send(node_id{7}, "x"))
      ++taken;
    CHECK(taken >= link_queue_messages_max);
    CHECK(taken < 10'000'000);
  }
}

TEST_CASE("addresses are checked before anything starts", "[sync][zmq]") {
  world w;
  w.open();
  auto client = [&](const char* endpoint) {
    return zmq_client::start(endpoint, w.server_key, w.server_key.pub, {[](bytes) {}, [](bool) {}, {}, {}}).code();
  };
  for (const char* bad : {"", "tcp://", "tcp://:1", "tcp://h", "tcp://h:", "tcp://h:x", "tcp://h:99999", "ipc://x:1",
                          "inproc://zeromq.zap.01", "tcp://h:*", "tcp://h:1 "})
    CHECK(client(bad) == errc::bad_config);
  zmq_server::callbacks on{
      [](const public_key&) { return std::nullopt; }, [](const link_peer&, bytes) {}, {}, {}, {}, {}};
  CHECK(zmq_server::start(w.server->endpoint(), w.server_key, on).code() == errc::busy);
  CHECK(zmq_server::start("tcp://192.0.2.1:5000", w.server_key, on).code() == errc::bad_config);
  CHECK(zmq_server::start("ipc://here:1", w.server_key, on).code() == errc::bad_config);
  CHECK(zmq_door::start(w.server->endpoint(), w.server_key, [](bytes) { return bytes(); }).code() == errc::busy);
}
