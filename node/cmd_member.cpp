#include <filesystem>
#include <iostream>

#include "ledger/member.hpp"
#include "node/admin_client.hpp"
#include "node/cmd.hpp"
#include "node/identity.hpp"
#include "sync/medium.hpp"
#include "sync/text.hpp"

namespace tally::cmd {
namespace {

using nlohmann::json;

struct member_options {
  std::string data, query, card, photo, photo_out, file;
  std::string name, birthday, address;
  std::vector<std::string> phones, emails, children, consents, cards, remove_cards, clear;
  std::int64_t member = 0, into = 0, from = 0;
  bool yes = false;
};

/// What the command says about a member, as the node takes it.
result<json> form_of(const member_options& o, const std::string& chain) {
  json form = json::object();
  if (!o.file.empty()) {
    auto octets = read_small_file(o.file);
    if (!octets) return octets.error();
    form = json::parse(*octets, nullptr, false);
    if (!form.is_object()) return error{errc::malformed, o.file + " is not one JSON object"};
  }
  for (const auto& field : o.clear)
    form[field] = nullptr;
  auto text = [&](const char* field, const std::string& v) {
    if (!v.empty()) form[field] = v;
  };
  auto texts = [&](const char* field, const std::vector<std::string>& v) {
    if (!v.empty()) form[field] = v;
  };
  text("name", o.name);
  text("birthday", o.birthday);
  text("address", o.address);
  texts("phones", o.phones);
  texts("emails", o.emails);
  texts("consents", o.consents);
  for (const auto& child : o.children) {
    auto colon = child.find(':');
    form["children"].push_back(
        {{"birthday", child.substr(0, colon)}, {"sex", colon == std::string::npos ? "" : child.substr(colon + 1)}});
  }
  if (!o.photo.empty()) {
    auto octets = read_small_file(o.photo, member_photo_max + 1);
    if (!octets || octets->size() > member_photo_max)
      return error{errc::malformed,
                   o.photo + ": a picture of at most " + std::to_string(member_photo_max) + " bytes that can be read"};
    form["photo"] = to_base64(*octets);
  }
  auto media = [&](const char* field, const std::vector<std::string>& numbers) {
    for (const auto& n : numbers)
      form[field].push_back(to_hex(medium_of(chain, n)));
  };
  media("add_cards", o.cards);
  media("remove_cards", o.remove_cards);
  return form;
}

std::string joined(const json& list) {
  std::string out;
  for (const auto& v : list)
    out += (out.empty() ? "" : ", ") + (v.is_string() ? v.get<std::string>() : v.dump());
  return out;
}

void print_member(const json& m) {
  std::vector<std::vector<std::string>> rows{{"member", m.at("member").dump()}};
  auto line = [&](const char* what, const std::string& v) {
    if (!v.empty()) rows.push_back({what, v});
  };
  line("name", m.value("name", ""));
  line("birthday", m.value("birthday", ""));
  line("phones", joined(m.at("phones")));
  line("emails", joined(m.at("emails")));
  auto address = m.value("address", "");
  std::replace(address.begin(), address.end(), '\n', ' ');
  line("address", address);
  for (const auto& c : m.at("children"))
    line("child", c.value("birthday", "") + " " + c.value("sex", ""));
  line("agreed to", joined(m.at("consents")));
  line("accounts", joined(m.at("accounts")));
  for (const auto& a : m.value("applications", json::array()))
    line("card asked for", "account " + a.at("account").dump() + " since " + a.value("since", "") + ", " +
                               a.value("state", "") + (a.value("reason", "").empty() ? "" : ": ") +
                               a.value("reason", ""));
  if (m.contains("photo") && !m.at("photo").get<std::string>().empty())
    line("photo", std::to_string(m.at("photo").get<std::string>().size() / 4 * 3) + " bytes");
  if (m.at("merged_into").is_number()) line("merged into", m.at("merged_into").dump());
  line("version", m.at("version").dump());
  if (auto n = m.value("unpublished", 0); n > 0) line("not published yet", std::to_string(n) + " changes");
  std::cout << table(rows);
}

void print_list(const json& members) {
  std::vector<std::vector<std::string>> rows{{"member", "name", "birthday", "phones", "accounts"}};
  for (const auto& m : members)
    rows.push_back({m.at("member").dump(), m.value("name", ""), m.value("birthday", ""), joined(m.at("phones")),
                    joined(m.at("accounts"))});
  std::cout << table(rows);
}

int write_photo(const json& m, const std::string& file) {
  auto octets = from_base64(m.value("photo", ""), member_photo_max);
  if (!octets || octets->empty()) return fail({errc::not_found, "this member has no photo"});
  if (auto ok = write_private_file(file, *octets); !ok) return fail_file(ok.error());
  return exit_ok;
}

/// Asks the node and hands the answer on.
template <class Then>
int ask(const member_options& o, const char* what, const result<json>& body, Then then) {
  if (!body) return fail_file(body.error());
  auto node = admin_client::open(o.data);
  if (!node) return fail(node.error());
  auto told = node->post(std::string("member/") + what, *body);
  if (!told) return fail(told.error());
  return then(*told);
}

int print_one(const json& m) {
  print_member(m);
  return exit_ok;
}

result<json> form_for(const member_options& o) {
  auto id = read_identity(o.data);
  if (!id) return id.error();
  auto form = form_of(o, id->believes.chain);
  if (form && o.member > 0) (*form)["member"] = o.member;
  return form;
}

int run_show(const member_options& o) {
  auto id = read_identity(o.data);
  if (!id) return fail(id.error());
  json body =
      o.member > 0 ? json{{"member", o.member}} : json{{"cards", {to_hex(medium_of(id->believes.chain, o.card))}}};
  return ask(o, "show", body,
             [&](const json& m) { return o.photo_out.empty() ? print_one(m) : write_photo(m, o.photo_out); });
}

int run_find(const member_options& o) {
  return ask(o, "find", json{{"query", o.query}}, [](const json& found) {
    const auto& list = found.at("members");
    if (list.empty()) return fail(exit_refused, "nobody is known by that here");
    print_list(list);
    if (found.value("more", false)) std::cerr << "There are more: say more of the name, or more digits.\n";
    return exit_ok;
  });
}

int run_duplicates(const member_options& o) {
  return ask(o, "duplicates", json::object(), [](const json& found) {
    for (const auto& group : found.at("groups")) {
      print_list(group.at("members"));
      std::cout << "\n";
    }
    std::cerr << found.at("groups").size()
              << " groups share a telephone number, or name and date of birth. 'tallystick member merge' makes one of "
                 "two.\n";
    return exit_ok;
  });
}

int run_erase(const member_options& o) {
  if (!o.yes)
    return fail(exit_usage, "an erasure is for good: nobody can read this member's data afterwards. Say --yes");
  return ask(o, "erase", json{{"member", o.member}}, [](const json& done) {
    std::cout << "Erased: member " << joined(done.at("erased")) << ".\n";
    auto until = done.value("leases_until", std::int64_t{0});
    if (until > 0)
      std::cerr << "A store without a line may have a copy of the key until " << date_text(day_of(until))
                << "; each destroys it as soon as it hears of this.\n";
    return exit_ok;
  });
}

void form_options(CLI::App& c, const std::shared_ptr<member_options>& o) {
  c.add_option("--name", o->name, "name, at most 120 bytes");
  c.add_option("--birthday", o->birthday, "1990-02-28, or --02-28 without the year");
  c.add_option("--phone", o->phones, "telephone number; up to 4");
  c.add_option("--email", o->emails, "e-mail address; up to 2");
  c.add_option("--address", o->address, "postal address");
  c.add_option("--child", o->children, "birthday of a child, and its sex: 2019-05-01:female");
  c.add_option("--consent", o->consents, "what the member agreed to: sms, email, post, photo, offers");
  c.add_option("--photo", o->photo, "file with a JPEG, PNG or WebP of at most 24,000 bytes");
  c.add_option("--card", o->cards, "number of a card that is the member's");
  c.add_option("--file", o->file, "the same fields as a JSON object, which no list of processes shows");
}

CLI::App* command(CLI::App& app, const char* name, const char* help, const std::shared_ptr<member_options>& o,
                  const char* example) {
  auto* c = app.add_subcommand(name, help);
  c->add_option("--data", o->data, "the node's data directory; it must run")->required();
  c->footer(std::string("Example:\n  tallystick member ") + name + " --data /srv/tally " + example);
  return c;
}

}  // namespace

void add_member(CLI::App& app, int& status) {
  auto o = std::make_shared<member_options>();
  auto* all = app.add_subcommand("member", "Members: add, edit, show, find, duplicates, merge, erase");
  all->require_subcommand(1);
  all->footer(
      "Personal data is sealed under a key of each member, which head office keeps and lends to stores for 30 days.\n"
      "A store shows and finds those whose key it has; what it edits counts there at once and everywhere when head\n"
      "office has published it. docs/privacy.md says where personal data is.\n"
      "Examples:\n  tallystick member add --data /srv/tally --name '王小明' --phone 13800138000 --card "
      "9704000000151464\n"
      "  tallystick member find --data /srv/tally 小明\n"
      "  tallystick member erase --data /srv/tally --member 1201 --yes");
  auto* add = command(*all, "add", "Head office: a new member", o, "--name 'Ann Lee' --phone 13800138000");
  form_options(*add, o);
  add->callback([o, &status] { status = ask(*o, "add", form_for(*o), print_one); });
  auto* edit =
      command(*all, "edit", "Change a member's profile", o, "--member 1201 --phone 13900139000 --clear emails");
  form_options(*edit, o);
  edit->add_option("--member", o->member, "the member's number")->required();
  edit->add_option("--clear", o->clear,
                   "a field that is to be empty: birthday, phones, emails, address, children, "
                   "consents, photo")
      ->check(CLI::IsMember({"birthday", "phones", "emails", "address", "children", "consents", "photo"}));
  edit->add_option("--remove-card", o->remove_cards, "number of a card that is the member's no more");
  edit->callback([o, &status] { status = ask(*o, "edit", form_for(*o), print_one); });
  auto* show = command(*all, "show", "One member", o, "--card 9704000000151464");
  auto* by_number = show->add_option("--member", o->member, "the member's number");
  auto* by_card = show->add_option("--card", o->card, "a card of the member")->excludes(by_number);
  show->add_option("--photo-out", o->photo_out, "write the photo into this new file instead");
  show->callback([o, by_card, by_number, &status] {
    status = *by_card || *by_number ? run_show(*o) : fail(exit_usage, "say --member or --card");
  });
  auto* find = command(*all, "find", "Find by name, telephone number (last digits do), e-mail or card", o, "8000");
  find->add_option("query", o->query, "what to look for")->required();
  find->callback([o, &status] { status = run_find(*o); });
  auto* alike = command(*all, "duplicates", "Head office: members that may be one person", o, "");
  alike->callback([o, &status] { status = run_duplicates(*o); });
  auto* merge = command(*all, "merge", "Head office: two members are one; cards move, both histories stay", o,
                        "--into 1201 --from 1377");
  merge->add_option("--into", o->into, "the member who stays")->required();
  merge->add_option("--from", o->from, "the member who is the same")->required();
  merge->callback([o, &status] { status = ask(*o, "merge", json{{"into", o->into}, {"from", o->from}}, print_one); });
  auto* erase = command(*all, "erase", "Head office: destroy a member's key, for good", o, "--member 1201 --yes");
  erase->add_option("--member", o->member, "the member's number")->required();
  erase->add_flag("--yes", o->yes, "it is meant");
  erase->callback([o, &status] { status = run_erase(*o); });
}

}  // namespace tally::cmd
