#include "node/receipt_words.hpp"

#include <array>

namespace tally {

namespace {

constexpr std::array<receipt_words, language_count> all_words{{
    {"SALE",
     "TOP-UP",
     "REVERSAL",
     "REFUND",
     "AUTHORISATION",
     "AUTHORISATION VOID",
     "valid until",
     "back to the card",
     "GIFT TO A MEMBER",
     "to card",
     "till",
     "no.",
     "TOTAL",
     "card",
     "cash",
     "bank",
     "online",
     "transfer",
     "incl. tax",
     "reverses",
     "Card",
     "to spend here",
     "elsewhere,",
     "to follow",
     "spent before",
     "** COPY **",
     "POSSIBLE DUPLICATE",
     "Proof of this receipt",
     "CARD SOLD",
     "CARD RETURNED",
     "CARD REPORTED",
     "card",
     "deposit",
     "loaded",
     "card value",
     "lost",
     "to be blocked",
     "UNITS BY HAND",
     "owed by the card",
     "reason",
     "level",
     "new level"},
    {"销售单",   "充值单",   "冲正单",     "退货单",     "预授权单",   "预授权撤销",   "有效至",
     "退回卡内", "转赠单",   "转赠给",     "收银机",     "单号",       "合计",         "会员卡",
     "现金",     "银行卡",   "在线支付",   "转账",       "含税",       "冲正原单",     "卡号",
     "本店可用", "其他门店", "稍后入账",   "已先使用",   "** 副本 **", "可能重复打印", "本单据的验证码",
     "售卡单",   "退卡单",   "挂失单",     "卡费",       "押金",       "充值",         "卡内余额",
     "挂失",     "冻结",     "手工调整单", "卡片待扣款", "原因",       "等级",         "新等级"},
    {"銷售單",   "加值單",   "沖正單",     "退貨單",     "預授權單",   "預授權撤銷",   "有效至",
     "退回卡內", "轉贈單",   "轉贈給",     "收銀機",     "單號",       "合計",         "會員卡",
     "現金",     "銀行卡",   "線上支付",   "轉帳",       "含稅",       "沖正原單",     "卡號",
     "本店可用", "其他門市", "稍後入帳",   "已先使用",   "** 副本 **", "可能重複列印", "本單據的驗證碼",
     "售卡單",   "退卡單",   "掛失單",     "卡費",       "押金",       "加值",         "卡內餘額",
     "掛失",     "凍結",     "手工調整單", "卡片待扣款", "原因",       "等級",         "新等級"},
    {"판매",        "충전",           "취소",           "반품",
     "사전 승인",   "사전 승인 취소", "유효 기한",      "카드로 반환",
     "회원 선물",   "받는 카드",      "계산대",         "번호",
     "합계",        "회원 카드",      "현금",           "은행 카드",
     "온라인 결제", "계좌 이체",      "세금 포함",      "취소 대상",
     "카드",        "이 매장 잔액",   "다른 매장",      "추후 적립",
     "이미 사용됨", "** 재발행 **",   "중복 인쇄 가능", "영수증 진위 확인 코드",
     "카드 판매",   "카드 반납",      "카드 신고",      "카드값",
     "보증금",      "충전",           "카드 잔액",      "분실",
     "사용 정지",   "수동 조정",      "카드 미수금",    "사유",
     "등급",        "새 등급"},
}};

}  // namespace

const receipt_words& words_of(language l) {
  const auto i = static_cast<std::size_t>(l);
  return all_words[i < all_words.size() ? i : 0];
}

const char* tender_word(std::string_view kind, const receipt_words& words) {
  if (kind == "card") return words.card_value;
  if (kind == "cash") return words.cash;
  if (kind == "bank") return words.bank;
  return kind == "online" ? words.online : words.transfer;
}

const report_words& report_words_of(language l) {
  static constexpr std::array<report_words, language_count> all{{
      {"DAY REPORT", "DAY REPORT, SO FAR", "all tills", "sales", "discounts", "reversed", "refunds", "net sales",
       "top-ups", "cash taken", "cash given back", "CASH IN DRAWER", "cards sold", "cards returned", "up to receipt",
       "no receipt"},
      {"日结报表", "日结报表（截至目前）", "全部收银机", "销售", "优惠", "冲正", "退货", "净销售额", "充值", "收入现金",
       "退出现金", "钱箱应有现金", "售卡", "退卡", "截至单据", "无单据"},
      {"日結報表", "日結報表（截至目前）", "全部收銀機", "銷售", "優惠", "沖正", "退貨", "淨銷售額", "加值", "收入現金",
       "退出現金", "錢箱應有現金", "售卡", "退卡", "截至單據", "無單據"},
      {"일일 마감", "일일 집계 (진행 중)", "전체 계산대", "판매", "할인", "취소", "반품", "순매출", "충전", "받은 현금",
       "돌려준 현금", "서랍 예상 현금", "카드 판매", "카드 반환", "마지막 영수증", "영수증 없음"},
  }};
  const auto i = static_cast<std::size_t>(l);
  return all[i < all.size() ? i : 0];
}

}  // namespace tally
