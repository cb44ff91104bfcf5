#include "node/member_json.hpp"

#include <algorithm>

#include "sync/text.hpp"

namespace tally {
namespace {

constexpr std::size_t photo_text_max = (member_photo_max + 2) / 3 * 4;

std::vector<std::string> texts_from(const std::vector<json_value>& list, std::string_view name, json_fields& f) {
  std::vector<std::string> out;
  for (const auto& v : list) {
    if (v.type != json_value::kind::text) {
      f.fail(name, "must be a list of texts");
      return {};
    }
    out.push_back(v.text);
  }
  return out;
}

birth_date date_from(std::string_view text, std::string_view name, json_fields& f) {
  auto d = parse_birth(text);
  if (!d) f.fail(name, "must be a day as 1990-02-28, or --02-28 without the year");
  return d.value_or(birth_date{});
}

std::vector<member_child> children_from(const std::vector<json_value>& list, json_fields& f) {
  std::vector<member_child> out;
  for (const auto& v : list) {
    json_fields child(v, "children.");
    auto born = child.maybe_text("birthday", 20);
    auto sex = child.maybe_text("sex", 20).value_or("");
    auto named = std::ranges::find(member_sex_names, sex);
    if (!child.ok()) f.fail("children", "must be a list of objects with birthday and sex");
    if (named == member_sex_names.end()) f.fail("children", "must have a sex of female, male, other, or none");
    if (!f.ok()) return {};
    out.push_back({date_from(born.value_or(""), "children", f),
                   static_cast<member_sex>(std::distance(member_sex_names.begin(), named))});
  }
  return out;
}

std::uint32_t consents_from(const std::vector<json_value>& list, json_fields& f) {
  std::uint32_t out = 0;
  for (const auto& t : texts_from(list, "consents", f)) {
    auto named = std::ranges::find(consent_names, t);
    if (named == consent_names.end()) {
      f.fail("consents", "has one that is not known");
      return 0;
    }
    out |= 1U << std::distance(consent_names.begin(), named);
  }
  return out;
}

void write_texts(json_writer& w, std::string_view name, const std::vector<std::string>& list) {
  w.key(name);
  w.open('[');
  for (const auto& t : list)
    w.value(t);
  w.close(']');
}

void write_application(json_writer& w, const card_application& a) {
  w.field("account", a.card.value);
  w.field("card", a.shown);
  w.field("state", application_state_name(a.state));
  w.field("since", date_text(a.since));
  w.field("answered", a.answered == 0 ? std::nullopt : std::optional(date_text(a.answered)));
  w.field("store", std::uint64_t{a.node.value});
  w.field("reason", a.reason);
}

}  // namespace

result<member_change> change_from_json(const json_value& object) {
  json_fields f(object);
  member_change c;
  auto said = [&](std::string_view name) { return object.find(name) != nullptr; };
  if (said("name")) c.name = f.maybe_text("name", member_name_max).value_or("");
  if (said("birthday")) c.born = date_from(f.maybe_text("birthday", 20).value_or(""), "birthday", f);
  if (said("phones")) {
    c.phones.emplace();
    for (const auto& t : texts_from(f.maybe_list("phones"), "phones", f))
      c.phones->push_back(normal_phone(t).value_or(t));
  }
  if (said("emails")) c.emails = texts_from(f.maybe_list("emails"), "emails", f);
  if (said("address")) c.address = f.maybe_text("address", member_address_max).value_or("");
  if (said("children")) c.children = children_from(f.maybe_list("children"), f);
  if (said("photo")) {
    auto octets = from_base64(f.maybe_text("photo", photo_text_max).value_or(""), member_photo_max);
    if (!octets)
      f.fail("photo", "must be a picture of at most " + std::to_string(member_photo_max) + " bytes in base 64");
    c.photo = octets.value_or(bytes());
  }
  if (said("consents")) c.consents = consents_from(f.maybe_list("consents"), f);
  if (!f.ok()) return f.problem();
  return c;
}

void write_member(json_writer& w, const member_view& v, bool with_photo) {
  const auto& p = v.profile;
  w.field("member", v.member.value);
  w.field("version", v.version);
  w.field("name", p.name);
  w.field("birthday", birth_text(p.born));
  write_texts(w, "phones", p.phones);
  write_texts(w, "emails", p.emails);
  w.field("address", p.address);
  w.key("children");
  w.open('[');
  for (const auto& child : p.children) {
    w.open('{');
    w.field("birthday", birth_text(child.born));
    w.field("sex", member_sex_names.at(static_cast<std::size_t>(child.sex)));
    w.close('}');
  }
  w.close(']');
  w.key("consents");
  w.open('[');
  for (std::size_t i = 0; i < consent_names.size(); ++i)
    if (p.consents >> i & 1U) w.value(consent_names[i]);
  w.close(']');
  w.key("accounts");
  w.open('[');
  for (auto a : p.cards)
    w.value(a.value);
  w.close(']');
  w.key("applications");
  w.open('[');
  for (const auto& a : p.applications) {
    w.open('{');
    write_application(w, a);
    w.close('}');
  }
  w.close(']');
  w.field("merged_into", p.merged_into.value == 0 ? std::nullopt : std::optional(p.merged_into.value));
  if (with_photo) w.field("photo", to_base64(p.photo));
  w.field("unpublished", std::uint64_t{v.unpublished});
  w.field("lease_until", v.until == 0 ? std::nullopt : std::optional(v.until));
}

std::string member_text(const member_view& v) {
  json_writer w;
  w.open('{');
  write_member(w, v, true);
  w.close('}');
  return w.take();
}

std::string applied_text(const applied_card& a) {
  json_writer w;
  w.open('{');
  w.key("application");
  w.open('{');
  write_application(w, a.application);
  w.close('}');
  w.field("before", a.before);
  w.close('}');
  return w.take();
}

std::string application_list_text(const application_list& l) {
  json_writer w;
  w.open('{');
  w.key("applications");
  w.open('[');
  for (const auto& row : l.rows) {
    w.open('{');
    write_application(w, row.what);
    w.field("member", row.member.value);
    w.field("name", row.name);
    w.field("address", row.address);
    w.close('}');
  }
  w.close(']');
  w.field("unreadable", l.unreadable);
  w.close('}');
  return w.take();
}

std::string member_list_text(const member_list& l) {
  json_writer w;
  w.open('{');
  w.key("members");
  w.open('[');
  for (const auto& v : l.found) {
    w.open('{');
    write_member(w, v, false);
    w.close('}');
  }
  w.close(']');
  w.field("more", l.more);
  w.close('}');
  return w.take();
}

}  // namespace tally
