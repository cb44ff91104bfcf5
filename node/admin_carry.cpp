#include "node/admin_internal.hpp"
#include "sync/entry_walk.hpp"
#include "sync/parcel.hpp"
#include "sync/text.hpp"

// POST carry: what `tallystick ship --from` read from a stick. See node/admin.hpp.
namespace tally::admin {
namespace {

json answer_out(const carried_answer& a) {
  json taken = json::array(), cosigned = json::array();
  for (const auto& row : a.taken)
    taken.push_back({{"stream", stream_name(row.stream)},
                     {"size", row.size},
                     {"fresh", row.fresh},
                     {"code", static_cast<int>(row.code)}});
  for (const auto& m : a.cosigned)
    cosigned.push_back(to_base64(encode_message(m)));
  return {{"code", static_cast<int>(a.code)},
          {"detail", a.detail},
          {"cosignatures", a.cosignatures},
          {"taken", taken},
          {"cosigned", cosigned}};
}

}  // namespace

void carry(const call& c) {
  auto list = c.in.find("messages");
  if (list == c.in.end() || !list->is_array() || list->size() > carried_max)
    return c.refuse({errc::malformed, "messages is a list of at most " + std::to_string(carried_max)});
  std::vector<message> messages;
  for (const auto& item : *list) {
    auto data = item.is_string() ? from_base64(item.get_ref<const std::string&>(), message_bytes_max) : std::nullopt;
    auto m = data ? decode_message(*data) : result<message>(errc::malformed);
    if (!m || !(is_carried(*m) || std::holds_alternative<have_message>(*m)))
      return c.refuse({errc::malformed, "a message that is not carried by hand"});
    messages.push_back(std::move(*m));
  }
  c.node.carry(std::move(messages),
               [respond = c.respond](const carried_answer& a) { respond(200, answer_out(a).dump()); });
}

}  // namespace tally::admin
