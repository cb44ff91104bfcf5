#include "node/http_guard.hpp"

#include <catch2/catch.hpp>

#include "http_support.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// A request line and header as they are, and the answer's status and error.
std::string said(const served& s, const std::string& head, const std::string& body = {}) {
  auto c = s.connect();
  if (!c.send(head + "\r\n" + body)) return "closed";
  auto r = c.read();
  return std::to_string(r.status) + " " + text_of(r.json, "error");
}

}  // namespace

TEST_CASE("names of its own, and those of others", "[node][guard]") {
  own_names own{{"till.example", "192.0.2.7", "2001:db8::1"}};
  for (const char* good :
       {"localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.9.9.9", "[::1]:8080", "[::1]", "Till.Example",
        "till.example:443", "192.0.2.7", "[2001:db8::1]:80", "10.1.2.3:8080", "[::ffff:127.0.0.1]"})
    CHECK(own.contains(good, "10.1.2.3"));
  for (const char* bad :
       {"", "evil.example", "till.example.evil", "xtill.example", "localhost.", "localhost:80:80", "localhost:8080x",
        "localhost:-1", "[::1", "192.0.2.8", "10.1.2.4", "till.example/", "::1", "[localhost].evil", "user@localhost"})
    CHECK_FALSE(own.contains(bad, "10.1.2.3"));
}

TEST_CASE("absolute targets lose their host, which counts", "[node][guard]") {
  std::string_view host = "before";
  CHECK(origin_form("/a?b", host) == "/a?b");
  CHECK(host == "before");
  CHECK(origin_form("HTTP://till.example:80/a?b", host) == "/a?b");
  CHECK(host == "till.example:80");
  CHECK(origin_form("http://other", host) == "/");
  CHECK(host == "other");
  CHECK(origin_form("https://other?x", host) == "/");
  CHECK(origin_form("*", host) == "*");
}

TEST_CASE("callers are told apart as far as they cannot choose", "[node][guard]") {
  CHECK(remote_key("192.0.2.7") == "192.0.2.7");
  CHECK(remote_key("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(remote_key("2001:db8:1:2:3:4:5:6") == remote_key("2001:db8:1:2::9"));
  CHECK(remote_key("2001:db8:1:2::9") != remote_key("2001:db8:1:3::9"));
}

TEST_CASE("a page of another site cannot call", "[node][guard]") {
  served s;
  const std::string get = "GET /healthz HTTP/1.1\r\n";
  CHECK(said(s, get + "Host: evil.example\r\n") == "403 wrong_host");
  CHECK(said(s, get + "Host: 127.0.0.1:1\r\n") == "200 ");
  CHECK(said(s, get + "Host: [::1]\r\n") == "200 ");
  CHECK(said(s, get) == "400 malformed");
  CHECK(said(s, get + "Host: localhost\r\nHost: localhost\r\n") == "400 malformed");
  CHECK(said(s, "GET /healthz HTTP/1.0\r\n") == "200 ");
  CHECK(said(s, "GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n") == "200 ");
  CHECK(said(s, "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n") == "403 wrong_host");

  const std::string json = R"({"code":"1"})";
  auto post = [&](const std::string& more) {
    return said(s,
                "POST /api/v1/pair HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: " + std::to_string(json.size()) +
                    "\r\n" + more,
                json);
  };
  const std::string type = "Content-Type: application/json\r\n";
  CHECK(post(type) == "403 bad_token");
  CHECK(post("Content-Type: Application/JSON ; charset=utf-8\r\n") == "403 bad_token");
  CHECK(post(type + "Content-Type: text/plain\r\n") == "400 malformed");
  CHECK(post(type + type) == "400 malformed");
  CHECK(said(s, get + "Host: localhost\r\n" + type + type) == "400 malformed");
  CHECK(post(type + "Origin: http://localhost:8080\r\n") == "403 bad_token");
  for (const char* origin : {"http://evil.example", "http://localhost:8081", "http://localhost", "null", "",
                             "http://localhost:8080.evil", "ftp://localhost:8080"})
    CHECK(post(type + "Origin: " + origin + "\r\n") == "403 wrong_origin");
  CHECK(post(type + "Origin: http://localhost:8080\r\nOrigin: http://evil.example\r\n") == "403 wrong_origin");
  CHECK(post("") == "415 wrong_type");
  for (const char* plain : {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                            "application/jsonx", "text/plain; application/json"})
    CHECK(post("Content-Type: " + std::string(plain) + "\r\n") == "415 wrong_type");
  CHECK(said(s, "POST /api/v1/pair HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") ==
        "415 wrong_type");
}

TEST_CASE("further names are configured", "[node][guard]") {
  bench_node b;
  http_options o;
  o.listen = "127.0.0.1:0";
  o.names = {"till.example"};
  auto server = http_server::start(std::move(o), b.services());
  REQUIRE(server);
  auto status = [&](const std::string& host) {
    return client((*server)->endpoint()).call("GET", "/healthz", {}, {}, "Host: " + host + "\r\n").status;
  };
  CHECK(status("till.example:8080") == 200);
  CHECK(status((*server)->endpoint()) == 200);
  CHECK(status("tills.example") == 403);
}

TEST_CASE("schemes and expectations in any case, and methods that pages do not take", "[node][guard]") {
  served s;
  auto c = s.connect();
  CHECK(c.call("GET", "/api/v1/till", {}, {}, "Authorization: bEARER " + s.token + "\r\n").status == 200);
  for (const char* method : {"POST", "HEAD", "DELETE"}) {
    auto r = c.call(method, "/api/v1/events", method == std::string_view("POST") ? "{}" : "", s.token);
    CHECK(r.status == 405);
    CHECK(r.head.find("Allow: GET\r\n") != std::string::npos);
  }
  CHECK(c.call("HEAD", "/api/v1/till", {}, s.token).status == 200);
  CHECK(c.call("GET", "/metrics").status == 200);  // from the loopback
  const std::string body = "{}";
  REQUIRE(
      c.send("POST /api/v1/sales HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: "
             "100-Continue\r\nAuthorization: Bearer " +
             s.token + "\r\nContent-Length: 2\r\n\r\n"));
  CHECK(c.until("\r\n\r\n").starts_with("HTTP/1.1 100"));
  REQUIRE(c.send(body));
  CHECK(c.read().status == 400);
}

TEST_CASE("a till has four event streams; the oldest gives way", "[node][guard]") {
  served s;
  auto other = s.pair();
  std::vector<client> open;
  auto add = [&](const std::string& token) {
    open.push_back(s.connect());
    REQUIRE(open.back().send(client::request("GET", "/api/v1/events", {}, token)));
    REQUIRE_FALSE(open.back().until(": hello\n\n").empty());
  };
  add(other);
  for (int i = 0; i < 5; ++i)
    add(s.token);
  CHECK(open[1].closed_by_server());
  s.node.events().publish(misread_event{"reader", "x"});
  for (std::size_t i : {0, 2, 3, 4, 5})
    CHECK_FALSE(open[i].until("event: misread").empty());
}
