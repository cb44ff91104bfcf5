// old_form DIR: takes the number of its form away from a node's database, as one from before that was written, and says
// how it was found.
#include <iostream>

#include "storage/rocks_kv.hpp"
#include "storage/upgrade.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto store = tally::open_rocks(argv[1], {.create = false, .read_only = false});
  if (!store) return std::cerr << store.error().detail << "\n", 1;
  auto form = tally::format_of(**store);
  if (!form) return std::cerr << form.error().detail << "\n", 1;
  tally::bytes v;
  bool middle = (*store)->get(tally::family::meta, "upgrade", v) == tally::lookup::found;
  std::cout << "form " << *form << (middle ? ", in the middle\n" : "\n");
  tally::kv_batch b;
  b.erase(tally::family::meta, "format");
  if (!middle) return (*store)->commit(b, true).ok() ? 0 : 1;
  return 0;
}
