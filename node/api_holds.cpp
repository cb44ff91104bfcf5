// Money that is put aside, and what becomes of it.
#include "node/api_request.hpp"

namespace tally {

constexpr std::int64_t usual_hold_minutes = 60;

void handle_authorisation(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  std::string_view number;
  till_call<authorise_command>(
      api, terminal, r, call,
      [&](json_fields& f, authorise_command& c) -> card_text {
        number = f.text("card", card_text_max);
        c.value = f.number("amount", 1, amount_max);
        c.seconds = 60 * f.maybe_integer("minutes", 1, hold_seconds_max / 60).value_or(usual_hold_minutes);
        return number;
      },
      [&](const authorise_command&) { return not_once(*api, number); });
}

void handle_capture(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  basket_lists basket;
  receipt_name name;
  till_call<capture_command>(
      api, terminal, r, call,
      [&](json_fields& f, capture_command& c) -> card_text {
        name = receipt_from(f, "authorisation");
        c.seq = name.seq;
        basket = basket_from(f);
        return std::nullopt;
      },
      [&](capture_command& c) {
        auto wrong = not_own(*api, name);
        return wrong ? wrong : take_basket(*api, basket, c.sale);
      });
}

void handle_void(const api_ptr& api, std::uint32_t terminal, const api_request& r, const call_ptr& call) {
  call_about_own<void_command>(api, terminal, r, call, "authorisation");
}

}  // namespace tally
