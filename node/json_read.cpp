#include "node/json_read.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace tally {
namespace {

/// Builds a json_value from the parser's events. Every handler answers false to stop.
class builder {
public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit builder(json_value& root) : root_(root) {}

  bool null() { return place({}); }
  bool boolean(bool v) {
    json_value j;
    j.type = json_value::kind::boolean;
    j.truth = v;
    return place(std::move(j));
  }
  bool number_integer(number_integer_t v) { return integer(v); }
  bool number_unsigned(number_unsigned_t v) {
    if (v > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) return number_float(0, {});
    return integer(static_cast<std::int64_t>(v));
  }
  bool number_float(number_float_t, const string_t&) {
    json_value j;
    j.type = json_value::kind::fraction;
    return place(std::move(j));
  }
  bool string(string_t& v) {
    json_value j;
    j.type = json_value::kind::text;
    j.text = std::move(v);
    return place(std::move(j));
  }
  bool binary(binary_t&) { return false; }
  bool start_object(std::size_t) { return open(json_value::kind::object); }
  bool start_array(std::size_t) { return open(json_value::kind::list); }
  bool end_object() { return end(); }
  bool end_array() { return end(); }
  bool key(string_t& name) {
    auto& names = stack_.back()->names;
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      problem_ = "the name \"" + name.substr(0, 40) + "\" comes twice";
      return false;
    }
    names.push_back(std::move(name));
    // An object with very many names would take quadratic time above; no call has a tenth of these.
    if (names.size() <= 256) return true;
    problem_ = "an object with more than 256 names";
    return false;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    problem_ = "no JSON at octet " + std::to_string(position);
    return false;
  }
  const std::string& problem() const { return problem_; }

private:
  bool integer(std::int64_t v) {
    json_value j;
    j.type = json_value::kind::integer;
    j.number = v;
    return place(std::move(j));
  }
  bool place(json_value v) {
    if (stack_.empty()) {
      root_ = std::move(v);
    } else {
      stack_.back()->items.push_back(std::move(v));
    }
    return true;
  }
  bool open(json_value::kind kind) {
    if (stack_.size() >= json_depth_max) {
      problem_ = "nested too deeply";
      return false;
    }
    json_value v;
    v.type = kind;
    place(std::move(v));
    // The address holds: nothing is added to the list it stands in before it is closed.
    stack_.push_back(stack_.empty() ? &root_ : &stack_.back()->items.back());
    return true;
  }
  bool end() {
    stack_.pop_back();
    return true;
  }

  json_value& root_;
  std::vector<json_value*> stack_;
  std::string problem_ = "no JSON";
};

}  // namespace

const json_value* json_value::find(std::string_view name) const {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return &items[i];
  return nullptr;
}

result<json_value> parse_json(std::string_view text) {
  json_value root;
  builder b(root);
  try {
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &b)) return error{errc::malformed, b.problem()};
  } catch (const std::exception&) {
    return error{errc::malformed, b.problem()};
  }
  // The parser takes this octet for the end, whatever comes behind it; no JSON text has one.
  if (auto at = text.find('\0'); at != text.npos)
    return error{errc::malformed, "no JSON at octet " + std::to_string(at + 1)};
  return root;
}

json_fields::json_fields(const json_value& object, std::string where) : object_(object), where_(std::move(where)) {
  if (object_.type != json_value::kind::object)
    problem_ = error{errc::malformed,
                     (where_.empty() ? "the body" : where_.substr(0, where_.size() - 1)) + " must be a JSON object"};
}

const json_value* json_fields::find(std::string_view name) {
  if (std::ranges::find(asked_, name) == asked_.end()) asked_.push_back(name);
  const auto* v = object_.find(name);
  return v && v->type != json_value::kind::null ? v : nullptr;
}

void json_fields::fail(std::string_view name, std::string_view what) {
  if (problem_) return;
  std::string text = where_;
  text.append(name).append(" ").append(what);
  problem_ = error{errc::malformed, std::move(text)};
}

std::optional<std::int64_t> json_fields::maybe_integer(std::string_view name, std::int64_t min, std::int64_t max) {
  const auto* v = find(name);
  if (!v) return std::nullopt;
  if (v->type == json_value::kind::integer && v->number >= min && v->number <= max) return v->number;
  fail(name, "must be an integer from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

std::int64_t json_fields::number(std::string_view name, std::int64_t min, std::int64_t max) {
  const auto* v = find(name);
  if (v && v->type == json_value::kind::integer) return v->number;
  fail(name, v ? "must be an integer from " + std::to_string(min) + " to " + std::to_string(max) : "is missing");
  return min;
}

void json_fields::only_these() {
  for (const auto& name : object_.names)
    if (std::ranges::find(asked_, name) == asked_.end())
      return fail("\"" + name.substr(0, 40) + "\"", "is no field of this call");
}

std::int64_t json_fields::integer(std::string_view name, std::int64_t min, std::int64_t max) {
  if (!find(name)) fail(name, "is missing");
  return maybe_integer(name, min, max).value_or(min);
}

bool json_fields::maybe_truth(std::string_view name) {
  const auto* v = find(name);
  if (v && v->type != json_value::kind::boolean) fail(name, "must be true or false");
  return v && v->truth;
}

std::optional<std::string_view> json_fields::maybe_text(std::string_view name, std::size_t octets_max) {
  const auto* v = find(name);
  if (!v) return std::nullopt;
  if (v->type == json_value::kind::text && v->text.size() <= octets_max) return v->text;
  fail(name, "must be text of at most " + std::to_string(octets_max) + " octets");
  return std::nullopt;
}

std::string_view json_fields::text(std::string_view name, std::size_t octets_max) {
  if (!find(name)) fail(name, "is missing");
  return maybe_text(name, octets_max).value_or(std::string_view{});
}

const std::vector<json_value>& json_fields::maybe_list(std::string_view name) {
  static const std::vector<json_value> none;
  return find(name) ? list(name) : none;
}

const std::vector<json_value>& json_fields::list(std::string_view name) {
  static const std::vector<json_value> none;
  const auto* v = find(name);
  if (v && v->type == json_value::kind::list) return v->items;
  fail(name, v ? "must be a list" : "is missing");
  return none;
}

}  // namespace tally
