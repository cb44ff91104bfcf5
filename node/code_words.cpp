#include "node/code_words.hpp"

namespace tally {

std::string code_text(language words, const std::string& code, const std::string& sum, const std::string& store,
                      std::int64_t minutes) {
  const auto n = std::to_string(minutes);
  switch (words) {
    case language::zh_hans:
      return "验证码 " + code + "：您的卡将在" + store + "支付，最多 " + sum + "。" + n +
             " 分钟内有效。只告诉收银员；若非本人操作，请勿告诉任何人。";
    case language::zh_hant:
      return "驗證碼 " + code + "：您的卡將在" + store + "付款，最多 " + sum + "。" + n +
             " 分鐘內有效。只告訴收銀員；若非本人操作，請勿告訴任何人。";
    case language::ko:
      return "인증번호 " + code + ": " + store + "에서 카드로 최대 " + sum + " 결제. " + n +
             "분간 유효합니다. 계산원에게만 알려 주세요. 본인이 아니면 누구에게도 알리지 마세요.";
    case language::en: break;
  }
  return "Code " + code + ": your card is to pay at " + store + ", at most " + sum + ". Good for " + n +
         " minutes. Tell it to the cashier only; if it is not you who pays, tell nobody.";
}

}  // namespace tally
