#pragma once
#include "node/fake_office.hpp"
#include "sync/card_media.hpp"
#include "sync/members.hpp"

namespace tally::test {

/// Head office's members without any: it writes down who was added, and looks for media as the real one does.
class fake_members final : public member_service {
public:
  explicit fake_members(fake_office& node) : node_(node) {}

  std::vector<member_change> added;

  void find(std::string, answer<member_list> done) override { done(member_list{}); }
  void show(account_id, answer<member_view> done) override { done(error{errc::not_found, ""}); }
  void of_card(account_id, answer<std::optional<member_view>> done) override { done(std::optional<member_view>()); }
  void add(member_change c, answer<member_view> done) override {
    added.push_back(std::move(c));
    done(member_view{});
  }
  void edit(account_id, std::optional<std::uint64_t>, member_change, std::uint32_t, answer<member_view> done) override {
    done(error{errc::not_found, ""});
  }
  void media_of(account_id card, answer<std::vector<bytes>> done) override {
    media_search search(card);
    for (;;) {
      auto more = search.step(node_.store(), media_of_step);
      if (!more) return done(more.error());
      if (!*more) return done(search.found());
    }
  }

private:
  fake_office& node_;
};

}  // namespace tally::test
