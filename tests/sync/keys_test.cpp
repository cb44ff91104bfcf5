#include "sync/keys.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sync/driver_keyfile.hpp"
#include "sync/entropy_sodium.hpp"
#include "sync/keys_fake.hpp"
#include "sync/seeded.hpp"
#include "sync/text.hpp"

using namespace tally;
using tally::test::seeded_entropy;
namespace fs = std::filesystem;

namespace {

template <std::size_t Size>
std::array<std::uint8_t, Size> hex(std::string_view text) {
  std::array<std::uint8_t, Size> out{};
  REQUIRE(from_hex(text, out));
  return out;
}

struct temp_dir {
  fs::path path;
  temp_dir() {
    auto name = (fs::temp_directory_path() / "tally-keys-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~temp_dir() { fs::remove_all(path); }
};

std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

void spill(const fs::path& file, const std::string& text, ::mode_t mode = 0600) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  REQUIRE(::chmod(file.c_str(), mode) == 0);
}

}  // namespace

TEST_CASE("Ed25519 agrees with RFC 8032", "[sync][keys]") {
  // RFC 8032, 7.1, tests 2 and 3.
  auto key = signing_key_from_seed(hex<32>("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  CHECK(to_hex(view_of(key.pub)) == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  CHECK(to_hex(view_of(sign(key, "\x72"))) ==
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  auto third = hex<32>("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
  auto sig = hex<64>(
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
      "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
  CHECK(verify(third, "\xaf\x82", sig));
  CHECK_FALSE(verify(third, "\xaf\x83", sig));
}

TEST_CASE("a signature fails on any changed bit, and for another key", "[sync][keys]") {
  seeded_entropy source(1);
  auto key = make_signing_key(source), other = make_signing_key(source);
  std::string message = "sixteen bytes ok";
  auto sig = sign(key, message);
  REQUIRE(verify(key.pub, message, sig));
  CHECK_FALSE(verify(other.pub, message, sig));
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    auto bad = message;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    CHECK_FALSE(verify(key.pub, bad, sig));
  }
  for (std::size_t bit = 0; bit < sig.size() * 8; ++bit) {
    auto bad = sig;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1u << (bit % 8)));
    CHECK_FALSE(verify(key.pub, message, bad));
  }
  // The neutral point as a key: some libraries accept any message under it.
  public_key neutral{1};
  signature zero{};
  zero[0] = 1;
  CHECK_FALSE(verify(neutral, message, zero));
}

TEST_CASE("Curve25519 keys agree with RFC 7748", "[sync][keys]") {
  // RFC 7748, 6.1.
  auto key = curve_key_from_secret(hex<32>("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  CHECK(to_hex(view_of(key.pub)) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
}

TEST_CASE("secrets are wiped when they move, and copied only on request", "[sync][keys]") {
  static_assert(!std::is_copy_constructible_v<signing_key> && std::is_nothrow_move_constructible_v<signing_key>);
  static_assert(!std::is_copy_assignable_v<curve_key>);
  seeded_entropy source(2);
  auto key = make_signing_key(source);
  auto copy = key.clone();
  auto moved = std::move(key);
  CHECK(key.secret.view() == std::string(64, '\0'));
  CHECK(moved.secret.view() == copy.secret.view());
  CHECK(signing_key_from_seed(seed_of(moved).span()).pub == moved.pub);
}

TEST_CASE("the system's entropy differs and fills everything", "[sync][keys]") {
  system_entropy source;
  std::array<std::uint8_t, 64> a{}, b{};
  source.fill(a);
  source.fill(b);
  source.fill({});
  CHECK(a != b);
  CHECK(make_curve_key(source).pub != make_curve_key(source).pub);
}

TEST_CASE("fake signatures still tie message, key and registry", "[sync][keys]") {
  seeded_entropy source(3);
  fake_keys keys(source), others(source);
  auto a = keys.make_signer(source), b = keys.make_signer(source);
  auto sig = a->sign("hello");
  CHECK(keys.verify(a->key(), "hello", sig));
  CHECK_FALSE(keys.verify(a->key(), "hellp", sig));
  CHECK_FALSE(keys.verify(b->key(), "hello", sig));
  CHECK_FALSE(others.verify(a->key(), "hello", sig));
  sig[63] ^= 1;
  CHECK_FALSE(keys.verify(a->key(), "hello", sig));
}

TEST_CASE("base 64 has one reading", "[sync][text]") {
  // RFC 4648, section 10.
  CHECK(to_base64("foobar") == "Zm9vYmFy");
  CHECK(to_base64("foob") == "Zm9vYg==");
  CHECK(to_base64url("foob") == "Zm9vYg");
  CHECK(to_base64url("\xfb\xff") == "-_8");
  CHECK(from_base64("Zm9vYg==", 4) == "foob");
  CHECK(from_base64("", 4) == "");
  for (const char* bad :
       {"Zm9vYg", "Zm9vYg=", "Zm9vYh==", "Zm9v Yg==", "Zm9vYg==\n", "Zm9vYg===", "Zm9vY-==", "Z", "="})
    CHECK_FALSE(from_base64(bad, 100));
  CHECK_FALSE(from_base64("Zm9vYg==", 3));
  CHECK_FALSE(from_base64(std::string(400, 'A'), 100));
  for (const char* bad : {"Zm9vYg==", "Zm9vYh", "Zm9vY+", "Zm9vY"})
    CHECK_FALSE(from_base64url(bad, 100));
}

TEST_CASE("only well-formed UTF-8 passes", "[sync][text]") {
  CHECK(is_plain_utf8("Filiale Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x8f\xaa"));
  CHECK_FALSE(is_plain_utf8("a\nb"));
  CHECK(is_plain_utf8("a\nb", true));
  for (const char* bad :
       {"\x01", "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80", "\xe0\x80\x80"})
    CHECK_FALSE(is_plain_utf8(bad, true));
  CHECK(
      has_unicode_space("a\xc2\xa0"
                        "b"));
  CHECK(has_unicode_space("a\xe3\x80\x80"));
  CHECK_FALSE(has_unicode_space("a\xc3\xa0"));
}

TEST_CASE("key files survive a round trip, closed to others", "[sync][keyfile]") {
  temp_dir dir;
  system_entropy source;
  auto keys = dir.path / "keys";
  REQUIRE(make_key_directory(keys).ok());
  REQUIRE(make_key_directory(keys).ok());
  auto signing = make_signing_key(source);
  auto curve = make_curve_key(source);
  auto secret = make_node_secret(source);
  REQUIRE(write_key_file(keys / "sign", signing).ok());
  REQUIRE(write_key_file(keys / "curve", curve).ok());
  REQUIRE(write_key_file(keys / "secret", secret).ok());
  CHECK(read_signing_key(keys / "sign").value().pub == signing.pub);
  CHECK(read_curve_key(keys / "curve").value().pub == curve.pub);
  CHECK(read_node_secret(keys / "secret").value().view() == secret.view());
  for (const char* name : {"sign", "curve", "secret"})
    CHECK((fs::status(keys / name).permissions() & fs::perms::mask) ==
          (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(std::distance(fs::directory_iterator(keys), {}) == 3);  // no drafts stay behind

  SECTION("no key is overwritten") {
    auto before = slurp(keys / "sign");
    CHECK(write_key_file(keys / "sign", make_signing_key(source)).code() == errc::not_allowed);
    CHECK(slurp(keys / "sign") == before);
    CHECK_FALSE(fs::exists(keys / "sign.new"));
  }
  SECTION("a draft left by a crash is in nobody's way") {
    spill(keys / "next.new", "half a k");
    REQUIRE(write_key_file(keys / "next", signing).ok());
    CHECK(read_signing_key(keys / "next").value().pub == signing.pub);
  }
  SECTION("one kind is not read as another") {
    CHECK(read_signing_key(keys / "curve").code() == errc::corrupt);
    CHECK(read_node_secret(keys / "sign").code() == errc::corrupt);
  }
}

TEST_CASE("key files that others may read, links and damage are refused", "[sync][keyfile]") {
  temp_dir dir;
  system_entropy source;
  auto file = dir.path / "sign";
  REQUIRE(write_key_file(file, make_signing_key(source)).ok());
  auto text = slurp(file);
  for (::mode_t mode : {0640u, 0604u, 0660u, 0644u}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    CHECK(read_signing_key(file).code() == errc::not_allowed);
  }
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  REQUIRE(read_signing_key(file).ok());
  fs::create_symlink(file, dir.path / "link");
  CHECK(read_signing_key(dir.path / "link").code() == errc::not_allowed);
  CHECK(write_key_file(dir.path / "link", make_signing_key(source)).code() == errc::not_allowed);
  CHECK(read_signing_key(dir.path / "absent").code() == errc::not_found);
  CHECK(read_signing_key(dir.path).code() != errc::ok);
  REQUIRE(::mkfifo((dir.path / "pipe").c_str(), 0600) == 0);
  CHECK(read_signing_key(dir.path / "pipe").code() == errc::not_allowed);
  for (std::size_t n = 0; n < text.size(); ++n) {
    spill(file, text.substr(0, n));
    CHECK(read_signing_key(file).code() == errc::corrupt);
  }
  spill(file, text + "\n");
  CHECK(read_signing_key(file).code() == errc::corrupt);
  spill(file, std::string(100'000, 'A'));
  CHECK(read_signing_key(file).code() == errc::corrupt);
  REQUIRE(::chmod(dir.path.c_str(), 0777) == 0);
  CHECK(make_key_directory(dir.path).code() == errc::not_allowed);
  CHECK(make_key_directory(dir.path / "no" / "parent").code() == errc::not_found);
  CHECK(write_key_file(dir.path / "no" / "sign", make_signing_key(source)).code() == errc::not_found);
}

TEST_CASE("a sealed key opens with its passphrase only", "[sync][keyfile]") {
  temp_dir dir;
  system_entropy source;
  auto file = dir.path / "root.sealed";
  auto root = make_signing_key(source);
  const seal_cost cheap{1, 8192};
  const std::string phrase = "correct horse battery";
  CHECK(write_sealed_file(file, sealed_kind::root_key, seed_of(root), "too short", source, cheap).code() ==
        errc::not_allowed);
  REQUIRE(write_sealed_file(file, sealed_kind::root_key, seed_of(root), phrase, source, cheap).ok());
  auto opened = read_sealed_file(file, sealed_kind::root_key, phrase);
  REQUIRE(opened.ok());
  CHECK(signing_key_from_seed(opened->span()).pub == root.pub);
  CHECK(read_sealed_file(file, sealed_kind::root_key, phrase + " ").code() == errc::not_allowed);
  CHECK(read_sealed_file(file, sealed_kind::pin_key, phrase).code() == errc::corrupt);
  CHECK(slurp(file).find(to_base64(seed_of(root).view())) == std::string::npos);
  CHECK(write_sealed_file(file, sealed_kind::root_key, seed_of(root), phrase, source, cheap).code() ==
        errc::not_allowed);

  auto text = slurp(file);
  int refused = 0, tried = 0;
  for (std::size_t i = 0; i < text.size(); ++i, ++tried) {
    auto bad = text;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    spill(file, bad);
    refused += !read_sealed_file(file, sealed_kind::root_key, phrase).ok();
  }
  CHECK(refused == tried);
}
