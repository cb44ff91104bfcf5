#include "ledger/errc.hpp"

#include <array>

namespace tally {
namespace {
struct row {
  std::string_view name;
  std::string_view text;
};
// Indexed by the value of errc; a static_assert below keeps it complete.
constexpr std::array rows{
    row{"ok", "Done."},
    row{"unknown_card", "This card is not known here. Check the number, or ask head office whether it was issued."},
    row{"card_blocked", "This card is blocked. The customer should ask the shop that issued it."},
    row{"insufficient", "The balance that can be spent here is too small."},
    row{"no_quota",
        "This store has no right to that much now: head office grants it, and fills it up when the line is there."},
    row{"over_ceiling", "This store already holds as much card value as it may."},
    row{"bad_amount", "The amount must be above zero and within the limits."},
    row{"overflow", "The amount is too large."},
    row{"unknown_product", "This product is not in the price list."},
    row{"bad_basket", "The basket is empty, too long or has a wrong quantity."},
    row{"bad_tender", "The payments do not add up to the total."},
    row{"key_reused",
        "This request number was used before with other contents. Ask for the next number and try again."},
    row{"key_too_old", "This request number is too old to be executed. Ask for the next number and try again."},
    row{"not_found", "There is nothing under that name or number."},
    row{"already_reversed", "This receipt was reversed before."},
    row{"not_reversible", "This receipt cannot be reversed here."},
    row{"not_entitled", "This node may not do that."},
    row{"unbalanced", "The entry does not balance."},
    row{"malformed", "The data is malformed."},
    row{"bad_signature", "The signature is wrong."},
    row{"bad_proof", "The data does not fit what was signed before."},
    row{"gap", "Something in between is missing."},
    row{"wrong_epoch", "This belongs to another epoch of that node."},
    row{"rolled_back", "This node runs on an old copy of its data. Card value stops until head office has settled it."},
    row{"busy", "Too much at once. Try again in a moment."},
    row{"full", "The disk is nearly full. Free some space; nothing was lost."},
    row{"io",
        "The disk failed. The node stops, and answers the same request number from its ledger after the restart."},
    row{"corrupt", "Stored data is damaged. Restore this node from its backup."},
    row{"locked", "Another process is using this data directory. Stop it, or choose another directory."},
    row{"timeout", "No answer in time."},
    row{"not_certified", "There is no valid certificate."},
    row{"bad_token", "The token is wrong, used or expired. Ask for a new one."},
    row{"bad_config", "The configuration is wrong."},
    row{"bad_rules", "The rules file is wrong."},
    row{"not_allowed", "Not allowed."},
    row{"offline", "The link is down."},
    row{"unsupported", "Not supported by this version."},
    row{"internal", "Something that should not happen has happened. See the log."},
    row{"revoked", "Head office has revoked this node."},
    row{"epoch_closed", "Head office has closed this node's books. Card value stops until it is granted anew."},
    row{"not_applicable", "This cannot be done with this card, voucher, gift or package."},
    row{"too_many_claims", "This store has reported as many cards today as it may. Call head office."},
    row{"stale_lists",
        "This store has not heard of blocked cards for too long. Take less from the card, or another payment."},
    row{"number_used",
        "This one-time number has paid a sale and opens nothing any more. Head office can give its card a new number."},
    row{"over_returned", "Of this sale more pieces came back, at all stores together, than were sold."},
    row{"pin_required", "So much is taken from this card only with its PIN."},
    row{"pin_wrong", "The PIN is wrong. Try again with the next request number."},
    row{"pin_locked",
        "Too many wrong PINs were typed for this card at this store. Head office can allow new tries, or a new PIN."},
    row{"not_here", "This kind of card is not good here, or not loaded here. Another store takes it."},
    row{"voucher_used", "This voucher was redeemed already."},
    row{"code_required", "So much is taken from this card only with a one-time code, sent to its member's telephone."},
    row{"code_wrong", "The one-time code is wrong. Type it again, or have a new one sent."},
    row{"other_goods", "This kind of card does not pay for all of these goods. Take the rest as another payment."},
    row{},
    row{},
    row{},
    row{},
    row{"used_lost", "This card was used after head office knew that it was lost or frozen; the store had not heard."},
    row{},
    row{},
    row{"left_out", "This node leaves that out of its copy of the directory (link.skip). Ask its parent."},
    row{"wrongly_left_out",
        "The node above left out what it may not leave out. Nothing of it was taken; call head office."},
};
static_assert(rows.size() == static_cast<std::size_t>(errc_last) + 1);

constexpr const row& at(errc code) {
  auto i = static_cast<std::size_t>(code);
  if (i >= rows.size() || rows[i].name.empty()) i = static_cast<std::size_t>(errc::internal);
  return rows[i];
}
}  // namespace

std::string_view errc_name(errc code) { return at(code).name; }
std::string_view errc_text(errc code) { return at(code).text; }

}  // namespace tally
