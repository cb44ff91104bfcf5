#include <catch2/catch.hpp>

#include <future>

#include "http_support.hpp"
#include "node/api_events.hpp"

using namespace tally;
using namespace tally::test;
using std::chrono::milliseconds;

namespace {

std::string sale_body(std::uint64_t counter) {
  return "{\"counter\":" + std::to_string(counter) +
         R"(,"lines":[{"product":1,"quantity":1}],"tenders":[{"kind":"cash","amount":1250}]})";
}

http_limits with(std::function<void(http_limits&)> change) {
  http_limits l;
  change(l);
  return l;
}

}  // namespace

TEST_CASE("a sale over a socket, many on one connection", "[node][server]") {
  served s;
  auto c = s.connect();
  for (std::uint64_t n = 1; n <= 50; ++n) {
    auto r = c.call("POST", "/api/v1/sales", sale_body(n), s.token);
    REQUIRE(r.status == 200);
    CHECK(number_of(r.json, "next_counter") == static_cast<std::int64_t>(n) + 1);
    CHECK(r.head.find("Cache-Control: no-store\r\n") != std::string::npos);
    CHECK(r.head.find("X-Content-Type-Options: nosniff\r\n") != std::string::npos);
  }
}

TEST_CASE("pairing sets a cookie that lets the till in", "[node][server]") {
  served s;
  auto c = s.connect();
  auto r = c.call("POST", "/api/v1/pair", "{\"code\":\"" + s.new_code() + "\"}");
  REQUIRE(r.status == 200);
  auto at = r.head.find("Set-Cookie: tally_till=");
  REQUIRE(at != std::string::npos);
  auto line = r.head.substr(at + 12, r.head.find("\r\n", at) - at - 12);
  CHECK(line.find("HttpOnly") != std::string::npos);
  CHECK(line.find("SameSite=Strict") != std::string::npos);
  auto pair = line.substr(0, line.find(';'));
  CHECK(c.call("GET", "/api/v1/till", {}, {}, "Cookie: other=1; " + pair + "; z=2\r\n").status == 200);
  CHECK(c.call("GET", "/api/v1/till", {}, {}, "Cookie: tally_till=wrong\r\n").status == 401);
  // A valid bearer token counts, whatever cookie comes with it.
  CHECK(c.call("GET", "/api/v1/till", {}, s.token, "Cookie: tally_till=wrong\r\n").status == 200);
  CHECK(c.call("GET", "/api/v1/till", {}, "wrong", "Cookie: " + pair + "\r\n").status == 200);
}

TEST_CASE("pipelined requests are answered in order", "[node][server]") {
  served s;
  auto c = s.connect();
  std::string all;
  for (std::uint64_t n = 1; n <= 100; ++n) {
    all += client::request("POST", "/api/v1/sales", sale_body(n), s.token);
    all += client::request("GET", "/healthz", {}, {});
  }
  std::thread sender([&] { (void)c.send(all); });
  for (std::int64_t n = 1; n <= 100; ++n) {
    auto sale = c.read();
    REQUIRE(sale.status == 200);
    CHECK(number_of(sale.json, "counter") == n);
    CHECK(c.read().body.starts_with("{\"ok\":true"));
  }
  sender.join();
}

TEST_CASE("octet by octet is a request as well", "[node][server]") {
  served s;
  auto c = s.connect();
  for (char octet : client::request("POST", "/api/v1/sales", sale_body(1), s.token))
    REQUIRE(c.send({&octet, 1}));
  CHECK(c.read().status == 200);
}

TEST_CASE("a body that is too long is refused, announced or not", "[node][server]") {
  served s;
  std::string big(10u << 20, 'x');
  {
    auto c = s.connect();
    std::thread sender([&] { (void)c.send(client::request("POST", "/api/v1/sales", big, s.token)); });
    auto r = c.read();
    sender.join();
    CHECK(r.status == 413);
    CHECK(text_of(r.json, "error") == "malformed");
    CHECK(r.head.find("Connection: close\r\n") != std::string::npos);
  }
  {
    auto c = s.connect();
    REQUIRE(
        c.send("POST /api/v1/sales HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: "
               "chunked\r\n\r\n"));
    auto chunk = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
    std::thread sender([&] {
      for (int i = 0; i < 640 && c.send(chunk); ++i) {
      }
    });
    auto r = c.read();
    sender.join();
    CHECK(r.status == 413);
  }
  auto c = s.connect();
  CHECK(c.call("POST", "/api/v1/sales", std::string(64 * 1024, ' '), s.token).status == 400);
  CHECK(c.call("POST", "/api/v1/sales", std::string(64 * 1024 + 1, ' '), s.token).status == 413);
}

TEST_CASE("only the administration may send four megabytes", "[node][server]") {
  std::promise<std::size_t> got;
  served s({}, {}, [&](http_services& v) {
    v.admin = [&](std::string, std::string, std::string body, auto respond) {
      got.set_value(body.size());
      std::thread([respond] { respond(200, "{}"); }).detach();
    };
  });
  std::string big(4 * 1024 * 1024, 'x');
  CHECK(s.connect().call("POST", "/api/v1/admin/issue", big, "wrong").status == 413);
  CHECK(s.connect().call("POST", "/api/v1/admin/issue", big + "x", "the-admin-token").status == 413);
  CHECK(s.connect().call("POST", "/api/v1/admin/issue", big, "the-admin-token").status == 200);
  CHECK(got.get_future().get() == big.size());
}

TEST_CASE("headers that are too long, and garbage", "[node][server]") {
  served s;
  {
    auto c = s.connect();
    auto r = c.call("GET", "/healthz", {}, {}, "X-Long: " + std::string(20'000, 'a') + "\r\n");
    CHECK(r.status == 431);
  }
  for (std::string bytes :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), std::string("\0\0\0\0\r\n\r\n", 8),
        std::string("hello\r\n\r\n"), std::string("GET / HTTP/9.9\r\n\r\n"), std::string("GET  / HTTP/1.1\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nbroken\r\n\r\n"), std::string("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        std::string("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        std::string("GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n"),
        std::string("GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"),
        std::string("GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        std::string("GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n")}) {
    auto c = s.connect();
    REQUIRE(c.send(bytes));
    INFO(bytes);
    CHECK(c.read().status == 400);
    CHECK(c.closed_by_server());
  }
  // Random octets: whatever the answer, the server stands.
  std::uint32_t seed = 7;
  for (int i = 0; i < 50; ++i) {
    std::string noise;
    for (int n = 0; n < 300; ++n)
      noise.push_back(static_cast<char>((seed = seed * 1'664'525u + 1'013'904'223u) >> 24));
    auto c = s.connect();
    (void)c.send(noise + "\r\n\r\n");
    (void)c.read();
  }
  CHECK(s.connect().call("GET", "/healthz").status == 200);
}

TEST_CASE("a request that never ends is ended, and so is a silent connection", "[node][server]") {
  served s(with([](http_limits& l) { l.request = milliseconds(200); }));
  auto half = s.connect();
  REQUIRE(half.send("GET /api/v1/till HTTP/1.1\r\nHost:"));
  auto body = s.connect();
  REQUIRE(
      body.send("POST /api/v1/sales HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                "100\r\n\r\n{"));
  CHECK(half.closed_by_server());
  CHECK(body.closed_by_server());
  served quick(with([](http_limits& l) { l.idle = milliseconds(200); }));
  auto silent = quick.connect();
  CHECK(silent.closed_by_server());
}

TEST_CASE("a node that does not answer leaves it open what happened", "[node][server]") {
  served s(with([](http_limits& l) { l.request = milliseconds(200); }));
  s.node.mute = true;
  auto c = s.connect();
  auto r = c.call("POST", "/api/v1/sales", sale_body(1), s.token);
  CHECK(r.status == 503);
  CHECK(text_of(r.json, "error") == "timeout");
  CHECK(text_of(r.json, "retry") == "same_counter");
  s.node.mute = false;
  CHECK(c.call("POST", "/api/v1/sales", sale_body(1), s.token).status == 200);
}

TEST_CASE("pages: types, policy, conditional, and nothing outside the folder", "[node][server]") {
  temp_dir dir;
  write_file(dir.path() / "web/till.html", "<p>till");
  write_file(dir.path() / "web/network.html", "<p>network");
  write_file(dir.path() / "web/assets/till.js", "let x;");
  write_file(dir.path() / "web/assets/sub/a.css", "p{}");
  write_file(dir.path() / "secret.txt", "secret");
  std::filesystem::create_symlink(dir.path() / "secret.txt", dir.path() / "web/assets/link.txt");
  served s({}, dir.path() / "web", [](http_services& v) { v.demo_control = "http://127.0.0.1:9999"; });
  auto c = s.connect();
  auto r = c.call("GET", "/?code=482-913");
  REQUIRE(r.status == 200);
  CHECK(r.body == "<p>till");
  CHECK(r.head.find("Content-Type: text/html; charset=utf-8\r\n") != std::string::npos);
  CHECK(r.head.find("connect-src 'self' http://127.0.0.1:9999; base-uri 'none'") != std::string::npos);
  CHECK(r.head.find("default-src 'none'; script-src 'self';") != std::string::npos);
  CHECK(r.head.find("Cache-Control: no-cache\r\n") != std::string::npos);
  auto at = r.head.find("ETag: ") + 6;
  auto tag = r.head.substr(at, r.head.find("\r\n", at) - at);
  auto again = c.call("GET", "/", {}, {}, "If-None-Match: " + tag + "\r\n");
  CHECK(again.status == 304);
  CHECK(c.call("GET", "/", {}, {}, "If-None-Match: *\r\n").status == 304);
  CHECK(again.body.empty());
  CHECK(c.call("GET", "/network").body == "<p>network");
  CHECK(c.call("GET", "/assets/till.js").head.find("Content-Type: text/javascript") != std::string::npos);
  CHECK(c.call("GET", "/assets/sub/a.css").status == 200);
  auto head = c.call("HEAD", "/assets/till.js");
  CHECK(head.status == 200);
  CHECK(head.head.find("Content-Length: 6\r\n") != std::string::npos);
  for (const char* path : {"/assets/../../secret.txt", "/../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt",
                           "/assets/link.txt", "/assets/..%2f..%2fsecret.txt", "//secret.txt", "/assets/", "/assets",
                           "/till.html", "/assets/till.js/", "/assets\\..\\..\\secret.txt"}) {
    auto no = c.call("GET", path);
    INFO(path);
    CHECK(no.status == 404);
    CHECK(no.body.find("secret\"") == std::string::npos);
  }
  auto post = c.call("POST", "/", "{}");
  CHECK(post.status == 405);
  CHECK(text_of(post.json, "error") == "wrong_method");
  CHECK(post.head.find("Allow: GET, HEAD\r\n") != std::string::npos);
}

TEST_CASE("starting says what is wrong", "[node][server]") {
  temp_dir dir;
  bench_node b;
  auto code = [&](http_options o) {
    auto s = http_server::start(std::move(o), b.services());
    return s ? errc::ok : s.error().code;
  };
  auto at = [](std::string listen, std::filesystem::path web = {}, unsigned threads = 2) {
    http_options o;
    o.listen = std::move(listen);
    o.web_dir = std::move(web);
    o.threads = threads;
    return o;
  };
  CHECK(code(at("127.0.0.1:0", dir.path() / "none")) == errc::not_found);
  CHECK(code(at("127.0.0.1:0", dir.path())) == errc::not_found);
  CHECK(code(at("nonsense")) == errc::bad_config);
  CHECK(code(at("localhost:0")) == errc::bad_config);
  CHECK(code(at("127.0.0.1:0", {}, 0)) == errc::bad_config);
  auto first = http_server::start(at("127.0.0.1:0"), b.services());
  REQUIRE(first);
  CHECK(code(at((*first)->endpoint())) == errc::io);
  CHECK(code(at("127.0.0.1:0", {}, 1)) == errc::ok);
}

TEST_CASE("events reach the streams they concern", "[node][server]") {
  served s(with([](http_limits& l) { l.keep_alive = milliseconds(100); }));
  s.node.announce = true;
  auto other = s.pair();
  auto mine = s.connect(), theirs = s.connect(), stranger = s.connect();
  REQUIRE(mine.send(client::request("GET", "/api/v1/events", {}, s.token)));
  REQUIRE(theirs.send(client::request("GET", "/api/v1/events", {}, other)));
  CHECK(mine.until(": hello\n\n").find("Content-Type: text/event-stream") != std::string::npos);
  theirs.until(": hello\n\n");
  CHECK(stranger.call("GET", "/api/v1/events").status == 401);
  auto sale = s.connect().call("POST", "/api/v1/sales", sale_body(1), s.token);
  REQUIRE(sale.status == 200);
  s.node.events().publish(card_event{card_a, "reader"});
  auto told = mine.until("\"source\":\"reader\"}\n\n");
  CHECK(told.find("event: receipt\n") != std::string::npos);
  CHECK(told.find(text_of(sale.json, "id")) != std::string::npos);
  // A receipt's event shows the card as the answer and the paper do.
  auto load = R"({"counter":2,"card":")" + card_a + R"(","amount":5000,"tender":"cash"})";
  REQUIRE(s.connect().call("POST", "/api/v1/topups", load, s.token).status == 200);
  CHECK(mine.until("\"seen\":").find("Card **** 3931") != std::string::npos);
  auto to_other = theirs.until("\"source\":\"reader\"}\n\n");
  CHECK(to_other.find("event: card\n") != std::string::npos);
  CHECK(to_other.find("event: receipt") == std::string::npos);
  CHECK_FALSE(mine.until(": alive\n\n").empty());
}

TEST_CASE("a card swiped while no till listens is told to the first that does, once and soon", "[node][server]") {
  const auto listen = [](served& s) {
    auto c = s.connect();
    REQUIRE(c.send(client::request("GET", "/api/v1/events", {}, s.token)));
    c.until(": hello\n\n");
    return c;
  };
  const auto swipe = "event: card\ndata: {\"number\":\"" + card_frozen + "\"";
  {
    served s;
    s.node.events().publish(card_event{card_a, "reader"});
    s.node.events().publish(card_event{card_frozen, "reader"});
    s.node.events().publish(product_event{"4006381333931"});
    s.clock.tick += event_hub::swipe_kept_ms;
    auto first = listen(s);
    CHECK(first.until("\"source\":\"reader\"}\n\n").find(swipe) == 0);
    auto second = listen(s);
    s.node.events().publish(rules_event{4});
    CHECK(first.until("\"version\":4}\n\n").find("event: rules") == 0);
    CHECK(second.until("\"version\":4}\n\n").find("event: rules") == 0);
  }
  served s;
  s.node.events().publish(card_event{card_a, "reader"});
  s.clock.tick += event_hub::swipe_kept_ms + 1;
  auto late = listen(s);
  s.node.events().publish(rules_event{4});
  CHECK(late.until("\"version\":4}\n\n").find("event: rules") == 0);
}

TEST_CASE("streams are few; one whose reader is gone or slow makes room", "[node][server]") {
  served s(with([](http_limits& l) {
    l.streams = 2;
    l.stream_events = 8;
  }));
  auto open = [&] {
    auto c = s.connect();
    REQUIRE(c.send(client::request("GET", "/api/v1/events", {}, s.token)));
    return c;
  };
  auto slow = open();
  slow.until(": hello\n\n");
  {
    auto second = open();
    second.until(": hello\n\n");
    auto third = s.connect();
    CHECK(third.call("GET", "/api/v1/events", {}, s.token).status == 429);
  }
  // The second was closed by its reader, which is noticed without anything to tell.
  auto admitted = [&] {
    auto c = s.connect();
    (void)c.send(client::request("GET", "/api/v1/events", {}, s.token));
    return c.until("\r\n").find("200") != std::string::npos;
  };
  CHECK(eventually(admitted));
  // Nobody reads `slow`: once the sockets' buffers and its queue are full it is dropped.
  const std::string much(8'000, 'x');
  for (int i = 0; i < 20'000; ++i)
    s.node.events().publish(misread_event{"reader", much});
  CHECK(slow.closed_by_server());
  CHECK(s.connect().call("GET", "/healthz").status == 200);
}

TEST_CASE("connections beyond the bound are told so", "[node][server]") {
  served s(with([](http_limits& l) { l.connections = 5; }));
  std::vector<client> open;
  auto second = s.pair();
  for (int i = 0; i < 5; ++i) {
    open.push_back(s.connect());
    REQUIRE(open.back().send(client::request("GET", "/api/v1/events", {}, i < 4 ? s.token : second)));
    open.back().until(": hello\n\n");
  }
  auto refused = s.connect().read();
  CHECK(refused.status == 503);
  CHECK(text_of(refused.json, "error") == "busy");
  open.clear();
  CHECK(eventually([&] { return s.connect().call("GET", "/healthz").status == 200; }));
}

TEST_CASE("a host that fills all places keeps no till of another address out", "[node][server]") {
  served s(with([](http_limits& l) { l.connections = 8; }));
  auto till = s.connect("127.0.0.2");
  REQUIRE(till.call("POST", "/api/v1/sales", sale_body(1), s.token).status == 200);
  auto stream = s.connect("127.0.0.3");
  REQUIRE(stream.send(client::request("GET", "/api/v1/events", {}, s.token)));
  stream.until(": hello\n\n");
  // Some send nothing, some the beginning of a request, some had an answer.
  std::vector<client> flood;
  for (int i = 0; i < 60; ++i) {
    flood.push_back(s.connect("127.0.0.9"));
    if (i % 3 == 1) (void)flood.back().send("POST /api/v1/sales HTTP/1.1\r\n");
    if (i % 3 == 2) CHECK(flood.back().call("GET", "/healthz").status == 200);
  }
  CHECK(s.connect("127.0.0.4").call("GET", "/api/v1/till", {}, s.token).status == 200);
  CHECK(till.call("POST", "/api/v1/sales", sale_body(2), s.token).status == 200);
  CHECK(flood.front().closed_by_server());
  s.node.events().publish(misread_event{"reader", "twisted"});
  CHECK(stream.until("\n\n").find("twisted") != std::string::npos);
}

TEST_CASE("of one address the connection that was quiet for longest makes room", "[node][server]") {
  bench_node n;
  http_options o{.listen = "127.0.0.1:0", .threads = 1};  // one, so that a connection waits before the next one comes
  o.limits.connections = 3;
  auto server = *http_server::start(o, n.services());
  client first(server->endpoint()), second(server->endpoint()), third(server->endpoint());
  for (auto* c : {&first, &third, &second})
    REQUIRE(c->call("GET", "/healthz").status == 200);
  CHECK(client(server->endpoint()).call("GET", "/healthz").status == 200);
  CHECK(first.closed_by_server());
  CHECK(third.call("GET", "/healthz").status == 200);
  CHECK(second.call("GET", "/healthz").status == 200);
}

TEST_CASE("hundreds of connections at once", "[node][server]") {
  served s;
  std::vector<client> open;
  for (int i = 0; i < 300; ++i)
    open.push_back(s.connect());
  for (auto& c : open)
    REQUIRE(c.send(client::request("GET", "/healthz", {}, {})));
  int good = 0;
  for (auto& c : open)
    good += c.read().status == 200;
  CHECK(good == 300);
}

TEST_CASE("an expected body is waited for", "[node][server]") {
  served s;
  auto c = s.connect();
  auto body = sale_body(1);
  REQUIRE(
      c.send("POST /api/v1/sales HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: "
             "100-continue\r\nAuthorization: Bearer " +
             s.token + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n"));
  CHECK(c.until("\r\n\r\n").starts_with("HTTP/1.1 100"));
  REQUIRE(c.send(body));
  CHECK(c.read().status == 200);
  REQUIRE(c.send("GET /healthz HTTP/1.0\r\n\r\n"));
  CHECK(c.read().head.find("Connection: close") != std::string::npos);
  CHECK(c.closed_by_server());
}

TEST_CASE("stopping answers what is under way and ends the rest", "[node][server]") {
  auto s = std::make_unique<served>();
  auto idle = s->connect(), stream = s->connect();
  REQUIRE(idle.call("GET", "/healthz").status == 200);
  REQUIRE(stream.send(client::request("GET", "/api/v1/events", {}, s->token)));
  stream.until(": hello\n\n");
  std::vector<std::thread> clients;
  std::atomic<int> answered{0}, sent{0};
  for (int t = 0; t < 4; ++t) {
    clients.emplace_back([&, token = s->pair(), c = std::make_shared<client>(s->connect())] {
      for (std::uint64_t n = 1;; ++n) {
        if (!c->send(client::request("POST", "/api/v1/sales", sale_body(n), token))) return;
        sent.fetch_add(1);
        if (c->read().status != 200) return;
        answered.fetch_add(1);
      }
    });
  }
  REQUIRE(eventually([&] { return answered > 50; }));
  s->server->stop();
  for (auto& t : clients)
    t.join();
  CHECK(idle.closed_by_server());
  CHECK(stream.closed_by_server());
  s->server->stop();
  s.reset();
  CHECK(answered > 50);
}
