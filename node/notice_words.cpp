#include "node/notice_words.hpp"

namespace tally {

const std::string& name_of(const localized& names, language words) {
  const auto& own = names[static_cast<std::size_t>(words)];
  return own.empty() ? names[0] : own;
}

std::string voucher_text(language words, const std::string& what, const std::string& until, const std::string& code) {
  switch (words) {
    case language::zh_hans:
      return "送您一张券：" + what + (until.empty() ? "" : "，有效期至 " + until) +
             "。收银时出示此码，仅可使用一次，请勿告诉他人：" + code;
    case language::zh_hant:
      return "送您一張券：" + what + (until.empty() ? "" : "，有效期至 " + until) +
             "。結帳時出示此碼，僅可使用一次，請勿告訴他人：" + code;
    case language::ko:
      return "쿠폰: " + what + (until.empty() ? "" : ", " + until + "까지 사용") +
             ". 계산할 때 이 코드를 보여 주세요. 한 번만 쓸 수 있으니 다른 사람에게 알리지 마세요: " + code;
    case language::en: break;
  }
  return "A voucher for you: " + what + (until.empty() ? "" : ", good until " + until) +
         ". Show this code when you pay; it counts once, so tell nobody: " + code;
}

std::string level_text(language words, const std::string& level, bool up) {
  switch (words) {
    case language::zh_hans:
      if (level.empty()) return "您的会员卡目前没有等级。继续消费即可重新获得等级。";
      return (up ? "恭喜！您的会员卡已升级为" : "您的会员卡等级现为") + level + "。";
    case language::zh_hant:
      if (level.empty()) return "您的會員卡目前沒有等級。繼續消費即可重新獲得等級。";
      return (up ? "恭喜！您的會員卡已升級為" : "您的會員卡等級現為") + level + "。";
    case language::ko:
      if (level.empty()) return "회원 카드에 현재 등급이 없습니다. 계속 이용하시면 다시 등급을 받을 수 있습니다.";
      return (up ? "축하합니다! 회원 카드가 새 등급으로 올랐습니다: " : "회원 카드의 현재 등급: ") + level;
    case language::en: break;
  }
  if (level.empty()) return "Your member card has no level now. What you spend can bring one back.";
  return (up ? "Congratulations! Your member card has moved up to " : "Your member card's level is now ") + level + ".";
}

std::string fee_text(language words, const std::string& fee, const std::string& from) {
  switch (words) {
    case language::zh_hans:
      return "您的会员卡已很久未使用。自 " + from + " 起每月最多收取 " + fee + " 管理费。在此之前使用一次即可避免。";
    case language::zh_hant:
      return "您的會員卡已很久未使用。自 " + from + " 起每月最多收取 " + fee + " 管理費。在此之前使用一次即可避免。";
    case language::ko:
      return "회원 카드를 오랫동안 사용하지 않으셨습니다. " + from + "부터 매월 최대 " + fee +
             "의 관리비가 차감됩니다. 그 전에 한 번 사용하시면 차감되지 않습니다.";
    case language::en: break;
  }
  return "Your member card was not used for a long time. From " + from + " on it pays a fee of at most " + fee +
         " a month. Use it once before then and it pays none.";
}

std::string expiry_text(language words, const std::string& purse, const std::string& units, const std::string& last) {
  switch (words) {
    case language::zh_hans:
      return "您的会员卡中最多有 " + units + "（" + purse + "）将于 " + last + " 后失效，请及时使用。";
    case language::zh_hant:
      return "您的會員卡中最多有 " + units + "（" + purse + "）將於 " + last + " 後失效，請及時使用。";
    case language::ko:
      return "회원 카드의 " + purse + " 중 최대 " + units + "이(가) " + last +
             " 이후 소멸됩니다. 그 전에 사용해 주세요.";
    case language::en: break;
  }
  return purse + " on your member card: up to " + units + " are good until " + last +
         " and then expire. Use them in time.";
}

}  // namespace tally
