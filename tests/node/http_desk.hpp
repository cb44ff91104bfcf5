#pragma once
#include <future>

#include "http_exchanges.hpp"
#include "http_support.hpp"
#include "node/http_router.hpp"

namespace tally::test {

/// A call without a connection: whatever thread answers, the answer ends up here.
class local_call final : public api_call {
public:
  void finish(api_response r) override { done.set_value(std::move(r)); }
  void later(std::function<void()> work) override { work(); }
  /// At once; what would wait for a second or longer is for an answer that never comes, and does in a test.
  void after(std::chrono::milliseconds delay, std::function<void()> work) override {
    if (delay < std::chrono::seconds(1)) work();
  }
  std::promise<api_response> done;
};

struct desk : bench_node {
  api_ptr api = std::make_shared<api_context>(services());
  std::string token;

  desk() {
    auto code = send("POST", "/api/v1/admin/pair", "{}", "the-admin-token");
    token = text_of(code.json, "token");
    token =
        text_of(send("POST", "/api/v1/pair", "{\"code\":\"" + text_of(code.json, "code") + "\"}", "").json, "token");
  }
  struct reply {
    int status;
    std::string body, headers;
    json_value json;
  };
  reply send(std::string_view method, std::string_view path, std::string_view body, std::string_view bearer) {
    auto call = std::make_shared<local_call>();
    auto got = call->done.get_future();
    std::string authorization = "Bearer " + std::string(bearer);
    api_request r;
    r.method = method;
    r.path = path;
    r.body = body;
    if (!bearer.empty()) r.authorization = authorization;
    route(api, r, call);
    auto a = got.get();
    reply out{a.status, a.shared_body ? *a.shared_body : a.body, a.headers, {}};
    note_exchange(method, path, body, a.status, a.content_type, out.body);
    if (auto j = parse_json(a.body)) out.json = std::move(*j);
    return out;
  }
  reply get(std::string_view path) { return send("GET", path, "", token); }
  reply post(std::string_view path, std::string_view body) { return send("POST", path, body, token); }
  std::uint64_t next() { return static_cast<std::uint64_t>(number_of(get("/api/v1/till").json, "next_counter")); }
  reply top_up(std::int64_t amount, const std::string& more = "") {
    return post("/api/v1/topups", "{\"counter\":" + std::to_string(next()) + ",\"card\":\"" + card_a +
                                      "\",\"amount\":" + std::to_string(amount) + ",\"tender\":\"cash\"" + more + "}");
  }
  std::string sale_body(std::uint64_t counter, int quantity, const std::string& kind = "card",
                        const std::string& more = "") {
    return "{\"counter\":" + std::to_string(counter) + ",\"card\":\"" + card_a +
           "\",\"lines\":[{\"product\":1,\"quantity\":" + std::to_string(quantity) + "}],\"tenders\":[{\"kind\":\"" +
           kind + "\",\"amount\":" + std::to_string(quantity * 1250) + "}]" + more + "}";
  }
};

inline std::string error_of(const desk::reply& r) { return std::to_string(r.status) + " " + text_of(r.json, "error"); }

}  // namespace tally::test
