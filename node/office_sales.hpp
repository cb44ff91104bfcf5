#pragma once
#include "node/office.hpp"

namespace tally {

/// Of a card that head office sold; sums in minor units.
struct sold_card {
  std::uint64_t account = 0;
  tally::amount load = 0, deposit = 0, price = 0;
  std::uint32_t expires = 0;  ///< last date on which it is good; 0: no end
  std::uint64_t place = 0;    ///< of the sale in head office's present journal; 0: in an earlier one
  bool undone = false;        ///< `undo_sales` took it back
  std::string stays = {};  ///< why it could not be now, as far as head office's own books tell; empty: nothing is known
};
/// Head office sells the cards of a run that is ordered or lies with it, each with that load at the price and deposit
/// of its kind. `sold` is called with each part when it is durable. How many had been sold before: the same call
/// again goes on where one broke off. Errors: not_allowed (they lie at a store, or are not for sale), bad_amount,
/// unknown_card, and what `sold` answers.
result<std::size_t> sell_run(const admin_client& hq, card_run run, tally::amount load, const std::string& tender,
                             const std::function<status(const std::vector<sold_card>& part)>& sold,
                             const progress& tell = {});

/// Cards of the run that head office sold, whenever that was, by account; also those that were undone since.
result<std::vector<sold_card>> sold_of(const admin_client& hq, const card_run& run);

/// Why a sale that has no `place` stays.
inline constexpr std::string_view sold_in_earlier_life = "it was sold before head office's data was last restored";

/// A sale that head office was asked to undo.
struct undone_card {
  sold_card card;
  std::string why;  ///< empty: it is undone
};
/// Undoes the sales of these cards, as far as nobody used them since, each by itself. `told` is called with each part
/// when it is durable; the same call again goes on where one broke off. Errors: of the connection, and what `told`
/// answers.
status undo_sales(const admin_client& hq, const std::vector<sold_card>& cards,
                  const std::function<status(const std::vector<undone_card>& part)>& told, const progress& tell = {});

}  // namespace tally
