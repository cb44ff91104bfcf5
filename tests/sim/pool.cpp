// Small blocks for the simulator's process: an eighth of a run was spent in the general allocator.
//
// Blocks of one size lie together in a slab, so the address tells the size and nothing is kept beside a block. Lists of
// free blocks belong to a thread; what another thread frees becomes that one's. Nothing is given back to the system:
// chains come and go, and the next one needs as much. Larger blocks are malloc's. Left out where a sanitizer looks.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t grain = 16, block_max = 512, slab_octets = 64 * 1024, arena_octets = std::size_t{32} << 30;
constexpr std::size_t slabs_max = arena_octets / slab_octets;

struct free_block {
  free_block* next;
};

/// Address space only: pages come when they are touched.
char* reserve() {
  auto* p = mmap(nullptr, arena_octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<char*>(p);
}

char* arena() {
  static char* const begin = reserve();
  return begin;
}

constinit std::atomic<std::uintptr_t> arena_begin{0};
constinit std::atomic<std::size_t> slabs_used{0};
constinit std::array<std::uint8_t, slabs_max> class_of_slab{};
constinit thread_local std::array<free_block*, block_max / grain + 1> free_lists{};

void* from_malloc(std::size_t octets) {
  if (auto* p = std::malloc(octets == 0 ? 1 : octets)) return p;
  throw std::bad_alloc();
}

/// A new slab of blocks of that class, all but the first on the list. Without one left: malloc's.
void* refill(std::size_t of) {
  auto* begin = arena();
  const auto slab = begin ? slabs_used.fetch_add(1) : slabs_max;
  if (slab >= slabs_max) return from_malloc(of * grain);
  arena_begin.store(reinterpret_cast<std::uintptr_t>(begin), std::memory_order_relaxed);
  class_of_slab[slab] = static_cast<std::uint8_t>(of);
  auto* first = begin + slab * slab_octets;
  auto*& list = free_lists[of];
  for (auto at = slab_octets / (of * grain) - 1; at > 0; --at)
    list = new (first + at * of * grain) free_block{list};
  return first;
}

void* take(std::size_t octets) {
  const auto of = octets == 0 ? 1 : (octets + grain - 1) / grain;
  if (of >= free_lists.size()) return from_malloc(octets);
  auto*& list = free_lists[of];
  if (!list) return refill(of);
  auto* block = list;
  list = block->next;
  return block;
}

void give(void* p) noexcept {
  const auto offset = reinterpret_cast<std::uintptr_t>(p) - arena_begin.load(std::memory_order_relaxed);
  if (offset >= arena_octets) return std::free(p);
  auto*& list = free_lists[class_of_slab[offset / slab_octets]];
  list = new (p) free_block{list};
}

}  // namespace

void* operator new(std::size_t octets) { return take(octets); }
void* operator new[](std::size_t octets) { return take(octets); }
void operator delete(void* p) noexcept { give(p); }
void operator delete(void* p, std::size_t) noexcept { give(p); }
void operator delete[](void* p) noexcept { give(p); }
void operator delete[](void* p, std::size_t) noexcept { give(p); }
#endif
