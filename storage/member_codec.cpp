#include "storage/member_codec.hpp"

#include "storage/varint.hpp"

namespace tally {
namespace {

constexpr std::uint8_t change_form = 1, sealed_form = 1;

enum bits : std::uint64_t {
  has_name = 1,
  has_born = 2,
  has_phones = 4,
  has_emails = 8,
  has_address = 16,
  has_children = 32,
  has_photo = 64,
  has_consents = 128,
  has_cards = 256,
  has_merged = 512,
  has_applications = 1024,
  all_bits = 2047
};

void write_date(byte_writer& w, const birth_date& d) {
  w.uv(d.year);
  w.u8(d.month);
  w.u8(d.day);
}
birth_date read_date(byte_reader& r) {
  birth_date d;
  d.year = static_cast<std::uint16_t>(r.uv(9999));
  d.month = r.u8();
  d.day = r.u8();
  if (d.month > 12 || d.day > 31) r.fail();
  return d;
}
void write_texts(byte_writer& w, const std::vector<std::string>& list) {
  w.uv(list.size());
  for (const auto& t : list)
    w.str(t);
}
std::vector<std::string> read_texts(byte_reader& r, std::size_t count_max, std::size_t octets_max) {
  std::vector<std::string> out;
  for (auto n = r.uv(count_max); n > 0 && r.ok(); --n)
    out.emplace_back(r.str(octets_max));
  return out;
}

void write_applications(byte_writer& w, const card_applications& list) {
  w.uv(list.size());
  for (const auto& a : list) {
    w.uv(a.card.value);
    w.uv(a.number);
    w.u8(static_cast<std::uint8_t>(a.state));
    w.uv(a.since);
    w.uv(a.answered);
    w.uv(a.node.value);
    w.str(a.shown);
    w.str(a.reason);
  }
}
card_applications read_applications(byte_reader& r) {
  card_applications out;
  for (auto n = r.uv(member_cards_max); n > 0 && r.ok(); --n) {
    card_application a;
    a.card = {r.uv()};
    a.number = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
    a.state = static_cast<application_state>(r.u8());
    if (a.state < application_state::open || a.state > application_state::refused) r.fail();
    a.since = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
    a.answered = static_cast<std::uint32_t>(r.uv(UINT32_MAX));
    a.node = {static_cast<std::uint32_t>(r.uv(UINT32_MAX))};
    a.shown = r.str(application_shown_max);
    a.reason = r.str(application_reason_max);
    out.push_back(std::move(a));
  }
  return out;
}

}  // namespace

bytes encode_change(const member_change& c) {
  byte_writer w;
  w.u8(change_form);
  auto bit = [](bool there, bits b) { return there ? static_cast<std::uint64_t>(b) : 0; };
  w.uv(bit(c.name.has_value(), has_name) | bit(c.born.has_value(), has_born) | bit(c.phones.has_value(), has_phones) |
       bit(c.emails.has_value(), has_emails) | bit(c.address.has_value(), has_address) |
       bit(c.children.has_value(), has_children) | bit(c.photo.has_value(), has_photo) |
       bit(c.consents.has_value(), has_consents) | bit(c.cards.has_value(), has_cards) |
       bit(c.merged_into.has_value(), has_merged) | bit(c.applications.has_value(), has_applications));
  if (c.name) w.str(*c.name);
  if (c.born) write_date(w, *c.born);
  if (c.phones) write_texts(w, *c.phones);
  if (c.emails) write_texts(w, *c.emails);
  if (c.address) w.str(*c.address);
  if (c.children) {
    w.uv(c.children->size());
    for (const auto& child : *c.children) {
      write_date(w, child.born);
      w.u8(static_cast<std::uint8_t>(child.sex));
    }
  }
  if (c.photo) w.str(*c.photo);
  if (c.consents) w.uv(*c.consents);
  if (c.cards) {
    w.uv(c.cards->size());
    for (auto a : *c.cards)
      w.uv(a.value);
  }
  if (c.merged_into) w.uv(c.merged_into->value);
  if (c.applications) write_applications(w, *c.applications);
  return w.take();
}

result<member_change> decode_change(byte_view data) {
  byte_reader r(data);
  member_change c;
  if (r.u8() != change_form) r.fail();
  auto said = r.uv(all_bits);
  if (said & has_name) c.name = r.str(member_name_max);
  if (said & has_born) c.born = read_date(r);
  if (said & has_phones) c.phones = read_texts(r, member_phones_max, member_phone_max);
  if (said & has_emails) c.emails = read_texts(r, member_emails_max, member_email_max);
  if (said & has_address) c.address = r.str(member_address_max);
  if (said & has_children) {
    c.children.emplace();
    for (auto n = r.uv(member_children_max); n > 0 && r.ok(); --n) {
      auto born = read_date(r);
      auto sex = r.u8();
      if (sex > static_cast<std::uint8_t>(member_sex::other)) r.fail();
      c.children->push_back({born, static_cast<member_sex>(sex)});
    }
  }
  if (said & has_photo) c.photo = r.str(member_photo_max);
  if (said & has_consents) c.consents = static_cast<std::uint32_t>(r.uv(consents_all));
  if (said & has_cards) {
    c.cards.emplace();
    for (auto n = r.uv(member_cards_max); n > 0 && r.ok(); --n)
      c.cards->push_back({r.uv()});
  }
  if (said & has_merged) c.merged_into = account_id{r.uv()};
  if (said & has_applications) c.applications = read_applications(r);
  if (!r.at_end()) return error{errc::malformed, "a member's record"};
  return c;
}

bytes encode_sealed(const sealed_profile& s) {
  byte_writer w;
  w.u8(sealed_form);
  w.fixed(s.nonce);
  w.fixed(s.commitment);
  w.str(s.box);
  return w.take();
}

result<sealed_profile> decode_sealed(byte_view data) {
  byte_reader r(data);
  sealed_profile s;
  if (r.u8() != sealed_form) r.fail();
  r.fixed(s.nonce);
  r.fixed(s.commitment);
  s.box = r.str(sealed_profile_max);
  if (!r.at_end()) return error{errc::malformed, "a sealed profile"};
  return s;
}

}  // namespace tally
