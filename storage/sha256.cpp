#include "storage/sha256.hpp"

#include <openssl/evp.h>

#include <cstring>
#include <memory>

#include "ledger/result.hpp"

namespace tally {
namespace {

/// One thread's context. The algorithm is fetched once: OpenSSL 3 looks it up by name on every implicit use.
class hasher {
public:
  hasher() {
    invariant(md_ != nullptr && context_ != nullptr, "OpenSSL has no SHA-256");
    invariant(EVP_MD_get_size(md_.get()) == static_cast<int>(hash256{}.size()), "SHA-256 has 32 bytes");
  }

  void start() { check(EVP_DigestInit_ex2(context_.get(), md_.get(), nullptr)); }
  void add(byte_view data) { check(EVP_DigestUpdate(context_.get(), data.data(), data.size())); }
  hash256 finish() {
    hash256 out;
    check(EVP_DigestFinal_ex(context_.get(), out.data(), nullptr));
    return out;
  }

private:
  static void check(int answer) { invariant(answer == 1, "SHA-256 failed"); }

  struct free_md {
    void operator()(EVP_MD* p) const { EVP_MD_free(p); }
  };
  struct free_context {
    void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  };
  std::unique_ptr<EVP_MD, free_md> md_{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
  std::unique_ptr<EVP_MD_CTX, free_context> context_{EVP_MD_CTX_new()};
};

hasher& mine() {
  thread_local hasher h;
  return h;
}

}  // namespace

hash256 sha256(byte_view data) {
  auto& h = mine();
  h.start();
  h.add(data);
  return h.finish();
}

hash256 merkle_leaf(byte_view entry) {
  auto& h = mine();
  h.start();
  h.add(byte_view("\0", 1));
  h.add(entry);
  return h.finish();
}

hash256 merkle_node(const hash256& left, const hash256& right) {
  std::array<std::uint8_t, 65> node;
  node[0] = 1;
  std::memcpy(node.data() + 1, left.data(), left.size());
  std::memcpy(node.data() + 33, right.data(), right.size());
  return sha256(view_of(node));
}

}  // namespace tally
