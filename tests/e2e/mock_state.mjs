// What the mock node starts with: a network of four, twelve products, three cards.
import { noProgramme } from './mock_programme.mjs';

export const EPOCH = '5f0c1a2b3c4d5e6f';
export const seconds = () => Math.floor(Date.now() / 1000);

const names = [
  ['Bread', '面包', '麵包', '빵', 1250, 'A'],
  ['Milk 1 l', '牛奶 1 升', '牛奶 1 公升', '우유 1리터', 990, 'B'],
  ['Green tea', '绿茶', '綠茶', '녹차', 600, 'A'],
  ['Coffee', '咖啡', '咖啡', '커피', 1800, 'A'],
  ['Rice 5 kg', '大米 5 公斤', '白米 5 公斤', '쌀 5kg', 6400, 'B'],
  ['Apples 1 kg', '苹果 1 公斤', '蘋果 1 公斤', '사과 1kg', 1380, 'B'],
  ['Instant noodles', '方便面', '泡麵', '라면', 550, 'A'],
  ['Soy sauce', '酱油', '醬油', '간장', 1590, 'A'],
  ['Eggs, 10', '鸡蛋 10 个', '雞蛋 10 顆', '달걀 10개', 1680, 'B'],
  ['Mineral water', '矿泉水', '礦泉水', '생수', 250, 'A'],
  ['Toothpaste', '牙膏', '牙膏', '치약', 1290, 'A'],
  ['Umbrella', '雨伞', '雨傘', '우산', 4900, 'A'],
];
function ean13(n) {
  const body = `690123450${String(n).padStart(3, '0')}`;
  const sum = [...body].reduce((total, digit, at) => total + Number(digit) * (at % 2 ? 3 : 1), 0);
  return body + ((10 - (sum % 10)) % 10);
}

export function freshState() {
  const node = (number, name, role, parent, more) => ({
    node: number,
    name,
    role,
    parent,
    epoch: EPOCH,
    running: true,
    cut: false,
    last_contact: seconds(),
    entries: 40 * number,
    entries_waiting: 0,
    held: 0,
    in_transit: 0,
    quota_outstanding: 0,
    ceiling: 0,
    daily_inflow: 0,
    exposure: 0,
    in_doubt: 0,
    contested: 0,
    revoked: false,
    certified_until: 1_900_000_000,
    alarm: null,
    ...more,
  });
  return {
    programme: noProgramme(),
    cases: [],
    differences: [],
    codes: new Set(['482-913', '111-111']),
    tokens: new Map(),
    nextTerminal: 201,
    counters: new Map(),
    answers: new Map(),
    receipts: new Map(),
    nextSequence: 41,
    quota: 500_000,
    printer: 'ready',
    reader: 'ready',
    scanner: 'ready',
    blocked: null,
    storedTickets: [],
    cards: new Map([
      [
        '9704000000003931',
        {
          account: 17,
          masked: '**** 3931',
          status: 'active',
          here: 5_000,
          elsewhere: 2_000,
          told: seconds() - 600,
        },
      ],
      [
        '9704000000004002',
        { account: 18, masked: '**** 4002', status: 'active', here: 120_000, elsewhere: null, told: null },
      ],
      [
        '9704000000005555',
        { account: 19, masked: '**** 5555', status: 'frozen', here: 900, elsewhere: 0, told: seconds() - 60 },
      ],
    ]),
    products: names.map(([en, hans, hant, ko, price, tax], at) => ({
      id: at + 1,
      ean: ean13(at + 1),
      name: { en, 'zh-Hans': hans, 'zh-Hant': hant, ko },
      price,
      tax,
    })),
    nodes: [
      node(1, 'Head office', 'hq', null, { held: 1_250_000, last_contact: null }),
      node(2, 'Region North', 'region', 1, {
        held: 300_000,
        quota_outstanding: 600_000,
        ceiling: 2_000_000,
        daily_inflow: 300_000,
        exposure: 4_700_000,
      }),
      node(3, 'Store A', 'store', 2, {
        held: 125_900,
        quota_outstanding: 500_000,
        ceiling: 1_000_000,
        daily_inflow: 200_000,
        exposure: 2_900_000,
      }),
      node(4, 'Store B', 'store', 2, {
        held: 702_500,
        quota_outstanding: 450_000,
        ceiling: 1_000_000,
        daily_inflow: 200_000,
        exposure: 2_850_000,
      }),
    ],
  };
}
