// The shapes of docs/http-api.md, as the pages read them.

export interface Unit {
  code: string;
  exponent: number;
}
export interface LinkState {
  up: boolean;
  last_contact: number | null;
  entries_waiting: number;
  hq_cosigned_at?: number | null;
}
export interface Device {
  configured: boolean;
  state: string;
}
export interface Devices {
  printer?: Device;
  reader?: Device;
  scanner?: Device;
  chip?: Device;
  wedge?: Device;
  display?: Device;
  rewriter?: Device;
}

export interface TillInfo {
  node: number;
  store: string;
  role: string;
  terminal: number;
  next_counter: number;
  unit: Unit;
  business_date: string;
  rules_version: number;
  topup_quota_left: number | null;
  link: LinkState;
  devices: Devices;
  /** How old what this store knows of blocked cards is, and what that stops. */
  lists?: { as_of: number | null; no_discounts: boolean; card_sale_max: number | null };
  blocked: string | null;
  seen?: string;
}

export interface Product {
  id: number;
  ean: string;
  name: Names;
  price: number;
  tax: string;
  /** Sold by amount: a quantity is the sum in minor units. */
  open?: boolean;
}

export interface Card {
  account: number;
  masked: string;
  kind: string;
  status: string;
  /** Another number or code took the place of this one. */
  replaced?: true;
  unit: string;
  /** The last day on which it is good. */
  expires?: string;
  /** A card that lies at this store to be sold. */
  for_sale?: { price: number; deposit: number };
  /** What can be paid out here of its deposit. */
  deposit_here?: number;
  /** Whether it has a PIN, wrong ones that this store still takes, and how much goes without it. */
  pin?: { set: boolean; tries_left: number | null; without_pin?: number };
  /** The code of a voucher: what it promises, and what of that was taken here; other stores are not asked. */
  voucher?: { purse: number; units: number; until: string | null; taken_here: number; as_heard_here?: true };
  here: number;
  elsewhere: number | null;
  elsewhere_as_of: number | null;
  /** It is asked for now, and the answer was not here in time. */
  elsewhere_pending?: true;
  /** What it owes after a sale at risk, as far as this store knows. */
  owes?: number;
  /** Numbers of the programme, 0: none. A node without a programme leaves the rows of purses out. */
  card_kind?: number;
  level?: number;
  /** The rules ask, and its member was born in this month. */
  birthday?: boolean;
  purses?: CardPurse[];
  /** What the units that lie here buy by the piece; `left` on the shelf, as far as was counted. */
  gifts?: { purse: number; product: number; units: number; pieces: number; left?: number }[];
  seen?: string;
}

/** What a card has of one purse. `here` can be spent now, `held` is all that lies here. */
export interface CardPurse {
  purse: number;
  here: number;
  held: number;
  elsewhere: number | null;
  owed_back?: number;
  /** Months as numbers, 202711: what expires with their end, or opens with their beginning. */
  months: { month: number; units: number }[];
}

// -- members --------------------------------------------------------------------------------------

export interface MemberChild {
  birthday: string;
  sex: string;
}
/** For a card of plastic: the newest one of each card. Days as 2026-11-27. */
export interface CardApplication {
  account: number;
  card: string;
  state: 'open' | 'made' | 'refused';
  since: string;
  answered: string | null;
  store: number;
  reason: string;
}
/** Personal data: never kept in the browser. */
export interface Member {
  member: number;
  version: number;
  name: string;
  birthday: string;
  phones: string[];
  emails: string[];
  address: string;
  children: MemberChild[];
  consents: string[];
  accounts: number[];
  /** A node of an older version has none. */
  applications?: CardApplication[];
  merged_into: number | null;
  /** Base 64; left out in lists. */
  photo?: string;
  unpublished: number;
  lease_until: number | null;
}
export interface MemberList {
  members: Member[];
  more: boolean;
}

// -- the programme --------------------------------------------------------------------------------

export type Names = Record<string, string>;
export type PurseKind = 'bonus' | 'points' | 'visits' | 'voucher';
export interface PurseRule {
  id: number;
  name: Names;
  kind: PurseKind;
  expires_months?: number;
  opens_months?: number;
  rate_units?: number;
  rate_money?: number;
  share_basis_points?: number;
  off?: number;
  off_basis_points?: number;
  min_total?: number;
  manual_per_day?: number;
  gift_per_day?: number;
  gifts: { product: number; units: number }[];
}
export interface Condition {
  levels?: number[];
  card_kinds?: number[];
  products?: number[];
  /** Business dates, both included. */
  from?: string;
  until?: string;
  /** Bit 0 is Monday. */
  birthday?: boolean;
  weekdays?: number;
  min_total?: number;
}
export interface LevelRule {
  id: number;
  name: Names;
  spend: number;
  months: number;
}
export interface CardKindRule {
  id: number;
  name: Names;
  /** Left out: all. */
  purses?: number[];
  top_up: boolean;
  per_day: number | null;
  /** Cards of a person. */
  named?: true;
  replaceable?: false;
  /** What a sale may come to without the PIN; null: any sum. */
  pin_above?: number | null;
  pin_above_day?: number | null;
  /** Goods that it pays for: these alone, or all but those. */
  only_products?: number[];
  not_products?: number[];
}
export interface DiscountRule extends Condition {
  id: number;
  name: Names;
  basis_points?: number;
  off?: number;
}
export interface PackageRule extends Condition {
  id: number;
  name: Names;
  pay: number;
  gives: { purse: number; units: number }[];
}
export interface Programme {
  version: number;
  spend_first: string;
  /** The most money that one card gives in a day; left out: none. */
  gift_per_day?: number;
  purses: PurseRule[];
  levels: LevelRule[];
  card_kinds: CardKindRule[];
  discounts: DiscountRule[];
  packages: PackageRule[];
}

export interface UnitWorth {
  purse: number;
  units: number;
  amount: number;
}
export interface QuoteLine {
  product: number;
  quantity: number;
  price: number;
  gross: number;
  discount: number;
  /** The discount's rule. */
  rule: number | null;
  net: number;
}
/** A basket as the node would decide it now. */
export interface Quote {
  lines: QuoteLine[];
  gross: number;
  discount: number;
  uses: UnitWorth[];
  gifts: UnitWorth[];
  due: number;
  bonus: UnitWorth[];
  card_max: number;
  /** The most that a card of this kind pays of `due`; left out: all of it. */
  card_goods?: number;
  earned: { purse: number; units: number; month: number | null }[];
}

// -- receipts -------------------------------------------------------------------------------------

export type TenderKind = 'card' | 'cash' | 'bank';
export interface Tender {
  kind: TenderKind;
  amount: number;
}
export interface ReceiptLine {
  product: number;
  name: string;
  quantity: number;
  price: number;
  amount: number;
  tax: string;
  /** Sold by amount. */
  open?: boolean;
  /** The purse whose units paid these pieces. */
  purse?: number;
}

export interface Receipt {
  id: string;
  kind: 'sale' | 'top_up' | 'reversal' | 'refund' | 'card_sale' | 'card_return' | 'card_report' | 'authorisation' | 'capture' | 'void' | 'gift' | 'adjustment';
  terminal: number;
  counter: number;
  stamp: number;
  business_date: string;
  store: string;
  account: number | null;
  masked: string | null;
  lines: ReceiptLine[];
  total: number;
  /** What bonus and points paid has kinds of its own. */
  tenders: { kind: string; amount: number; name?: string }[];
  here: number | null;
  elsewhere: number | null;
  elsewhere_as_of: number | null;
  unit: Unit;
  reverses: string | null;
  reversed_by: string | null;
  /** Of a sale that was approved in part: what is to be paid otherwise. */
  remainder?: number;
  /** Of a capture or void: the authorisation that it ended. */
  authorisation?: string;
  /** Text of the code that proves it; older nodes have none. */
  proof?: string | null;
  text: string[];
  next_counter?: number;
  seen?: string;
}

/** A business date in sums; only what the page itself reads. */
export interface DayReport {
  id: string;
  date: string;
  till: number | null;
  so_far: boolean;
  text: string[];
  /** When it was printed: it had been printed before. */
  copy?: boolean;
}

/** A refusal or error answer. `error` is the stable key that is translated. */
export interface Refusal {
  error: string;
  message?: string;
  detail?: string;
  retry?: string;
  here?: number;
  elsewhere?: number | null;
  short?: number;
  /** The purse that has too little, when it is not the paid one. */
  purse?: number;
  pulled?: number;
  left?: number;
  next_counter?: number;
  seen?: string;
  /** `card_blocked`: what the card is. */
  status?: string;
  /** `card_blocked`: another number took the place of this one. */
  replaced?: true;
  /** `pin_required`, `pin_locked`: so much goes without the PIN. */
  without_pin?: number;
  /** `code_required`, `code_wrong`: so much goes without a one-time code. */
  without_code?: number;
  /** `pin_wrong`, `code_wrong` */
  tries_left?: number;
  /** `other_goods`: the most that a card of this kind pays of the basket. */
  card_goods?: number;
}

/** A one-time code on its way: the end of the telephone's number, and how long it is good. */
export interface SentCode {
  ends_in: string;
  seconds: number;
  up_to: number;
}

/** Figures are null where the answering node does not know them: a store sees none of its parent. */
export interface NetworkNode {
  node: number;
  name: string;
  role: string;
  parent: number | null;
  epoch: string;
  link: 'up' | 'down' | 'never';
  link_over: number | null;
  last_contact: number | null;
  entries: number | null;
  entries_waiting: number | null;
  held: number | null;
  in_transit: number | null;
  quota_outstanding: number | null;
  ceiling: number | null;
  daily_inflow: number | null;
  exposure: number | null;
  /** Value of its closed epochs that head office has not granted anew. */
  in_doubt: number | null;
  contested: number | null;
  revoked: boolean;
  /** End of its certificate, seconds since 1970. */
  certified_until: number | null;
  alarm: string | null;
}

/** A contested entry that head office has not ruled about. */
export interface OpenCase {
  id: string;
  node: number;
  name?: string;
  why: string;
  text: string;
  kind: string;
  business_date?: string;
  value?: number;
  account?: number;
}
/** An entry whose figures are not those of the rules that it names. */
export interface Difference {
  id: string;
  node: number;
  name?: string;
  kind: string;
  business_date?: string;
  expected: string;
  found: string;
}
export interface CaseList {
  open: number;
  cases: OpenCase[];
  /** At head office. */
  recomputed?: { entries: number; behind: number; differences: number; first: Difference[] };
}

export interface Network {
  now: number;
  node: number;
  role: string;
  unit: Unit;
  nodes: NetworkNode[];
  total_exposure: number;
  exposure_days: number;
  cases_open: number;
  differences?: number;
  demo?: string;
}

export interface DemoState {
  links: { child: number; parent: number; cut: boolean }[];
  nodes: { node: number; name: string; role: string; running: boolean; url: string; till?: string }[];
  devices: { node: number; kind: string; plugged: boolean }[];
}

/** Gifts on this store's shelf; `left` null: never counted. */
export interface Shelf {
  pieces: { product: number; left: number | null }[];
  repeated?: boolean;
  next_counter?: number;
  seen?: string;
}
export interface ShelfLine {
  product: number;
  pieces: number;
}
