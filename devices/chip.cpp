#include "devices/chip.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "devices/luhn.hpp"

namespace tally {

namespace {

using namespace std::string_view_literals;

constexpr auto get_uid = "\xFF\xCA\x00\x00\x00"sv;
constexpr auto select_application = "\x00\xA4\x04\x00\x0B\xF0TALLYSTICK\x00"sv;
constexpr auto read_record_1 = "\x00\xB2\x01\x0C\x00"sv;  // short file 1, record 1
constexpr auto get_response = "\x00\xC0\x00\x00"sv;       // Le follows
constexpr auto storage_card =
    "\x4F\x0C\xA0\x00\x00\x03\x06"sv;  // PC/SC part 3: an application id with the RID of PC/SC
constexpr std::size_t uid_octets_min = 4, uid_octets_max = 10;
constexpr int number_tag = 0x5A;

std::uint8_t octet(byte_view d, std::size_t i) { return static_cast<std::uint8_t>(d[i]); }

std::string upper_hex(byte_view data) {
  constexpr auto digits = "0123456789ABCDEF"sv;
  std::string out;
  for (const char c : data) {
    out.push_back(digits[static_cast<std::uint8_t>(c) >> 4]);
    out.push_back(digits[static_cast<std::uint8_t>(c) & 15]);
  }
  return out;
}

/// The value of the first `tag` in a list of tags of one octet with lengths of one octet; empty when there is none.
byte_view find_tag(byte_view list, int tag) {
  // A record may be wrapped in template 70.
  if (list.size() >= 2 && octet(list, 0) == 0x70 && octet(list, 1) <= list.size() - 2)
    list = list.substr(2, octet(list, 1));
  while (list.size() >= 2) {
    const std::size_t length = octet(list, 1);
    if (length > list.size() - 2) return {};
    if (octet(list, 0) == tag) return list.substr(2, length);
    list.remove_prefix(2 + length);
  }
  return {};
}

/// Two digits an octet, filled up with F at the end; empty for anything else.
std::string digits_of(byte_view packed) {
  std::string out = upper_hex(packed);
  while (!out.empty() && out.back() == 'F')
    out.pop_back();
  if (!all_digits(out) || out.size() < card_digits_min || out.size() > card_digits_max) return {};
  return out;
}

chip_type storage_type(byte_view name) {
  switch (octet(name, 0) << 8 | octet(name, 1)) {
    case 0x0001: return chip_type::mifare_1k;
    case 0x0002: return chip_type::mifare_4k;
    case 0x0003:
    case 0x003A: return chip_type::ultralight;
    case 0x0026: return chip_type::mifare_mini;
    case 0xF011:
    case 0xF012: return chip_type::felica;
    default: return chip_type::other_contactless;
  }
}

}  // namespace

chip_type chip_type_of(byte_view atr) {
  // TS, T0 with TD1 only, TD1 = 80, TD2 = 01: how a contactless card is told to a PC (part 3, 3.1.3.2.3).
  if (atr.size() < 5 || octet(atr, 0) != 0x3B || (octet(atr, 1) & 0xF0) != 0x80 || octet(atr, 2) != 0x80 ||
      octet(atr, 3) != 0x01)
    return chip_type::contact;
  const auto historical = atr.substr(4);
  const bool storage = historical.size() >= 11 && octet(historical, 0) == 0x80 &&
                       historical.substr(1, storage_card.size()) == storage_card;
  return storage ? storage_type(historical.substr(9)) : chip_type::iso14443_4;
}

bool is_uid_medium(std::string_view medium) {
  if (!medium.starts_with("uid:")) return false;
  medium.remove_prefix(4);
  return medium.size() >= 2 * uid_octets_min && medium.size() <= 2 * uid_octets_max && medium.size() % 2 == 0 &&
         std::all_of(medium.begin(), medium.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); });
}

chip_effects chip_reader::on_inserted(byte_view atr) {
  chip_effects out;
  if (step_ != step::reset) resets_ = 0;
  exchanges_ = 0;
  uid_.clear();
  collected_.clear();
  type_ = chip_type_of(atr);
  ask_uid(out);
  return out;
}

chip_effects chip_reader::on_answer(byte_view answer) {
  chip_effects out;
  if (!reading() || step_ == step::reset) return out;  // a late answer to what was given up
  // Less than a status word is what some readers answer for a card that was pulled.
  if (answer.size() < 2) return on_failed(chip_failure::lost);
  if (answer.size() > answer_bytes_max) {
    fail(misread_reason::bad_format, out);
    return out;
  }
  const auto sw1 = octet(answer, answer.size() - 2), sw2 = octet(answer, answer.size() - 1);
  if (sw1 == 0x6C) {
    bytes next = sent_.substr(0, sent_.size() - 1);
    next.push_back(static_cast<char>(sw2));
    send(std::move(next), out);
    return out;
  }
  collected_.append(answer.substr(0, answer.size() - 2));
  if (collected_.size() > answer_bytes_max) {
    fail(misread_reason::bad_format, out);
  } else if (sw1 == 0x61) {  // more is there, also after a first part
    bytes next(get_response);
    next.push_back(static_cast<char>(sw2));
    send(std::move(next), out);
  } else {
    // 6282: the end came before Le octets, which is no fault where all are asked for.
    const bool good = (sw1 == 0x90 && sw2 == 0x00) || (sw1 == 0x62 && sw2 == 0x82);
    const auto data = std::exchange(collected_, {});
    take(data, good, out);
  }
  return out;
}

chip_effects chip_reader::on_failed(chip_failure why) {
  chip_effects out;
  if (why == chip_failure::away) {
    step_ = step::idle;  // whoever shows the reader's state says what happened
    return out;
  }
  if (step_ == step::done) return out;
  switch (why) {
    case chip_failure::removed: fail(misread_reason::torn, out); break;
    case chip_failure::silent: fail(misread_reason::silent, out); break;
    case chip_failure::occupied: fail(misread_reason::occupied, out); break;
    default:
      if (resets_ < resets_max) {
        ++resets_;
        step_ = step::reset;
        out.emplace_back(chip_reset{});
      } else {
        fail(misread_reason::torn, out);
      }
  }
  return out;
}

chip_effects chip_reader::on_removed() {
  chip_effects out;
  if (reading())
    fail(misread_reason::torn, out);
  else if (step_ == step::done)
    out.emplace_back(reader_event{chip_removed{}});
  step_ = step::idle;
  return out;
}

void chip_reader::send(bytes apdu, chip_effects& out) {
  if (++exchanges_ > exchanges_max) return fail(misread_reason::bad_format, out);
  sent_ = apdu;
  out.emplace_back(chip_transmit{std::move(apdu)});
}

void chip_reader::ask_uid(chip_effects& out) {
  step_ = step::uid;
  send(bytes(get_uid), out);
}

void chip_reader::ask_application(chip_effects& out) {
  step_ = step::select;
  send(bytes(select_application), out);
}

void chip_reader::take(byte_view data, bool good, chip_effects& out) {
  switch (step_) {
    case step::uid:
      if (good && data.size() >= uid_octets_min && data.size() <= uid_octets_max) uid_ = upper_hex(data);
      if (type_ == chip_type::contact || type_ == chip_type::iso14443_4) return ask_application(out);
      return finish_by_uid(out);
    case step::select:
      if (!good) return finish_by_uid(out);
      step_ = step::record;
      return send(bytes(read_record_1), out);
    default:
      auto number = good ? digits_of(find_tag(data, number_tag)) : std::string();
      if (number.empty()) return fail(misread_reason::bad_number, out);
      return finish(std::move(number), out);
  }
}

void chip_reader::finish(std::string medium, chip_effects& out) {
  step_ = step::done;
  out.emplace_back(reader_event{chip_read{std::move(medium), uid_, type_}});
}

void chip_reader::finish_by_uid(chip_effects& out) {
  if (uid_.empty()) return fail(misread_reason::unknown_code, out);
  // ISO/IEC 14443-3: a UID of four octets that begins with 08 is drawn anew each time the card meets a field.
  if (uid_.size() == 8 && uid_.starts_with("08")) return fail(misread_reason::random_id, out);
  finish("uid:" + uid_, out);
}

void chip_reader::fail(misread_reason reason, chip_effects& out) {
  step_ = step::idle;
  out.emplace_back(reader_event{misread{reason}});
}

}  // namespace tally
