#include "node/admin_client.hpp"

#include "node/http_call.hpp"
#include "node/identity.hpp"
#include "node/snapshot_store.hpp"

namespace tally {
namespace {

constexpr std::chrono::milliseconds call_time_max{30'000};

/// The port of a node that was killed may be another program's by now, and that program must not hear the token: only
/// while some process holds the directory's database is its node there.
status check_node_runs(const std::filesystem::path& data_dir) {
  if (node_runs(data_dir)) return done();
  return error{errc::offline, "the node on " + data_dir.string() + " does not run; start it with 'tallystick node'"};
}

}  // namespace

result<admin_client> admin_client::open(const std::filesystem::path& data_dir) {
  auto id = read_identity(data_dir);
  if (!id) return id.error();
  TALLY_TRY(check_node_runs(data_dir));
  data_layout at{data_dir};
  admin_client out;
  for (auto [file, to] : {std::pair{at.http_address(), &out.address_}, std::pair{at.admin_token(), &out.token_}}) {
    auto text = read_small_file(file, 1'000);
    if (text.code() == errc::not_found)
      return error{errc::offline, "the node on " + data_dir.string() +
                                      " does not answer yet, or no longer: it starts or stops at this moment"};
    if (!text) return error{errc::not_allowed, text.error().detail + "; run this as the user of the node"};
    while (!text->empty() && (text->back() == '\n' || text->back() == ' '))
      text->pop_back();
    *to = *text;
  }
  return out;
}

result<nlohmann::json> admin_client::call(const std::string& method, const std::string& path,
                                          const std::string& body) const {
  auto a = http_call(address_, method, "/api/v1/admin/" + path, token_, body, call_time_max);
  if (!a && a.code() == errc::offline)
    return error{errc::offline, "the node at " + address_ + " does not run; start it with 'tallystick node'"};
  if (!a && a.code() == errc::timeout)
    return error{errc::timeout, "the node at " + address_ +
                                    " did not answer in time, or stopped meanwhile. What was asked may have been done: "
                                    "look ('tallystick status', "
                                    "its log) before you ask again"};
  if (!a) return a.error();
  auto j = nlohmann::json::parse(a->body, nullptr, false);
  if (a->status == 200 && !j.is_discarded()) return j;
  if (a->status == 401) return error{errc::not_allowed, "the node does not take the token in admin.token; restart it"};
  if (!j.is_object() || !j.contains("error"))
    return error{errc::malformed, "the node at " + address_ + " answered " + std::to_string(a->status)};
  auto name = j.value("error", "");
  auto detail = j.value("detail", "");
  for (int i = 1; i <= static_cast<int>(errc_last); ++i)
    if (auto code = static_cast<errc>(i); errc_name(code) == name) return error{code, detail};
  // A refusal of the interface itself says in its own words what is to be done.
  if (a->status < 500) return error{errc::not_allowed, j.value("message", name)};
  return error{errc::internal, name + ": " + detail};
}

result<nlohmann::json> admin_client::get(const std::string& path) const { return call("GET", path, ""); }

result<nlohmann::json> admin_client::post(const std::string& path, const nlohmann::json& body) const {
  return call("POST", path, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace tally
