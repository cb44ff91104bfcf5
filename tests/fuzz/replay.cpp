// Runs a fuzz target without libFuzzer: every file of the corpus, then mutations of them drawn from a seed.
//
//   fuzz_NAME CORPUS [FILE…]     TALLY_FUZZ_RUNS=20000  TALLY_SEED=1
//
// A FILE is run alone, to look at a finding. When a target crashes, its input goes to standard error as hexadecimal.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <vector>

#include "fuzz/fuzz.hpp"

namespace fs = std::filesystem;
using tally::bytes;

namespace {

constexpr std::size_t input_bytes_max = 8 * 1024;
const bytes* running = nullptr;

void say(const char* text) {
  if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) std::_Exit(99);
}

// Only write() and arrays: the heap may be what broke.
void on_crash(int number) {
  static constexpr char digits[] = "0123456789abcdef";
  say("\nthe input that did it: ");
  if (running)
    for (char c : *running) {
      char pair[] = {digits[static_cast<unsigned char>(c) >> 4], digits[c & 15], 0};
      say(pair);
    }
  say("\n");
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void run(const bytes& input) {
  running = &input;
  // A copy of exactly its size, so that a read beyond the end is seen by AddressSanitizer.
  std::vector<std::uint8_t> exact(input.begin(), input.end());
  exact.shrink_to_fit();
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  running = nullptr;
}

bytes read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class mutator {
public:
  mutator(std::vector<bytes> seeds, std::uint64_t from) : seeds_(std::move(seeds)), engine_(from) {}

  bytes next() {
    bytes out = below(20) == 0 ? noise() : below(4) == 0 && !pool_.empty() ? pool_[below(pool_.size())] : seed();
    for (auto n = 1 + below(4); n > 0; --n)
      change(out);
    if (out.size() > input_bytes_max) out.resize(input_bytes_max);
    // Some of what came out is gone on from, so that several changes can meet.
    if (pool_.size() < 64) {
      pool_.push_back(out);
    } else if (below(8) == 0) {
      pool_[below(pool_.size())] = out;
    }
    return out;
  }

private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  const bytes& seed() { return seeds_[below(seeds_.size())]; }
  char octet() { return static_cast<char>(engine_()); }
  bytes noise() {
    bytes out;
    for (auto n = below(200); n > 0; --n)
      out += octet();
    return out;
  }
  void change(bytes& b) {
    static constexpr std::array<std::string_view, 10> pieces = {std::string_view("\0", 1),
                                                                "\x01",
                                                                "\x7f",
                                                                "\x80",
                                                                "\xff",
                                                                std::string_view("\x80\x00", 2),
                                                                "\xff\xff\xff\xff\x0f",
                                                                "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                                                                "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                                                                "\n"};
    auto at = below(b.size() + 1);
    auto some = std::min(b.size() - at, 1 + below(8));
    switch (below(8)) {
      case 0:
        if (at < b.size()) b[at] = static_cast<char>(b[at] ^ (1 << below(8)));
        break;
      case 1:
        if (at < b.size()) b[at] = octet();
        break;
      case 2: b.erase(at, some); break;
      case 3: b.insert(at, pieces[below(pieces.size())]); break;
      case 4: b.insert(below(b.size() + 1), b.substr(at, some)); break;
      case 5:
        if (below(4) == 0) b.resize(at);
        break;
      case 6: b.replace(at, some, pieces[below(pieces.size())]); break;
      default: {
        const auto& other = seed();
        auto from = below(other.size() + 1);
        b.replace(at, b.size() - at, other.substr(from));
      }
    }
  }

  std::vector<bytes> seeds_, pool_;
  std::mt19937_64 engine_;
};

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  std::uint64_t out = 0;
  if (!text || std::from_chars(text, text + std::strlen(text), out).ec != std::errc{}) return otherwise;
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  for (int s : {SIGABRT, SIGSEGV, SIGFPE, SIGBUS, SIGILL})
    std::signal(s, on_crash);
  if (argc < 2 || !fs::is_directory(argv[1])) {
    std::cerr << "usage: " << argv[0] << " CORPUS [FILE…]\n";
    return 2;
  }
  if (argc > 2) {
    for (int i = 2; i < argc; ++i)
      run(read(argv[i]));
    return 0;
  }
  std::vector<fs::path> files;
  for (const auto& f : fs::directory_iterator(argv[1]))
    files.push_back(f.path());
  std::sort(files.begin(), files.end());  // one seed, one run, on every machine
  std::vector<bytes> seeds;
  for (const auto& f : files)
    seeds.push_back(read(f));
  if (seeds.empty()) {
    std::cerr << "the corpus is empty: " << argv[1] << "\n";
    return 2;
  }
  run({});
  for (const auto& s : seeds)
    run(s);
  auto runs = number_from("TALLY_FUZZ_RUNS", 20'000), seed = number_from("TALLY_SEED", 1);
  mutator m(seeds, seed);
  for (std::uint64_t i = 0; i < runs; ++i)
    run(m.next());
  std::cout << seeds.size() << " files and " << runs << " mutations, seed " << seed << "\n";
  return 0;
}
