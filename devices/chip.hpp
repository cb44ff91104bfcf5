#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "devices/events.hpp"
#include "ledger/types.hpp"

namespace tally {

/// What an ATR says the card is; anything that is not an ATR counts as a contact card.
chip_type chip_type_of(byte_view atr);

/// "uid:04A1B2C3D4E580" names a chip as a medium: 8 to 20 hexadecimal digits, upper case, an even number.
bool is_uid_medium(std::string_view medium);

/// Why an exchange with a chip broke off, as its driver learnt it.
enum class chip_failure : std::uint8_t {
  removed,   ///< the card left the reader
  lost,      ///< the exchange failed and the card may still be there
  silent,    ///< the card does not answer at all
  occupied,  ///< another program holds the card
  away,      ///< the reader was unplugged, or the card service died
};

/// Send this command to the card and report its answer.
struct chip_transmit {
  bytes apdu;
};
/// Reset the card and report its ATR as a fresh insertion.
struct chip_reset {};
using chip_effect = std::variant<chip_transmit, chip_reset, reader_event>;
using chip_effects = std::vector<chip_effect>;

/// Reads one slot of a chip or contactless reader: commands per ISO/IEC 7816-4, the UID by PC/SC part 3 (`FF CA`).
///
/// First the UID, where there is one. On processor cards then our own application, AID F0 'TALLYSTICK': record 1 of
/// its file 1 holds the card number as EMV does (tag 5A, two digits an octet, filled up with F). A card without that
/// application is known by its UID. 61xx and 6Cxx are followed as T=0 cards ask; an answer may come in parts.
///
/// Pure: what the driver saw in, effects out, in order. One owner; not thread-safe; nothing durable.
/// Each insertion ends in exactly one `chip_read` or `misread`, unless the reader itself goes away; a card that was
/// read and leaves gives `chip_removed`.
/// Limits: an answer above `answer_bytes_max`, in one part or several, and more than `exchanges_max` exchanges end in
/// `misread{bad_format}`; a lost exchange is tried again from the start `resets_max` times.
class chip_reader {
public:
  static constexpr std::size_t answer_bytes_max = 258;
  static constexpr int exchanges_max = 12;
  static constexpr int resets_max = 2;

  [[nodiscard]] chip_effects on_inserted(byte_view atr);
  [[nodiscard]] chip_effects on_answer(byte_view answer);
  [[nodiscard]] chip_effects on_failed(chip_failure why);
  [[nodiscard]] chip_effects on_removed();
  /// A command is out and its answer, failure or removal is awaited.
  [[nodiscard]] bool reading() const { return step_ != step::idle && step_ != step::done; }

private:
  enum class step : std::uint8_t { idle, uid, select, record, reset, done };

  void send(bytes apdu, chip_effects& out);
  void ask_uid(chip_effects& out);
  void ask_application(chip_effects& out);
  void take(byte_view data, bool good, chip_effects& out);
  void finish(std::string medium, chip_effects& out);
  void finish_by_uid(chip_effects& out);
  void fail(misread_reason reason, chip_effects& out);

  step step_ = step::idle;
  chip_type type_ = chip_type::contact;
  std::string uid_;
  bytes sent_;
  bytes collected_;  // of an answer that comes in parts
  int exchanges_ = 0;
  int resets_ = 0;
};

}  // namespace tally
