// Compiled once for each library of ours with its include directories and nothing else. If a folder's door stood open
// to a library that may not include it (cmake/TallyLibrary.cmake), this would not compile. Every folder has a README.
#if !__has_include("ledger/README.md")
#error "ledger/ must be open to every library"
#endif
#if __has_include("storage/README.md") != MAY_STORAGE
#error "the door of storage/ is wrong for this library"
#endif
#if __has_include("sync/README.md") != MAY_SYNC
#error "the door of sync/ is wrong for this library"
#endif
#if __has_include("devices/README.md") != MAY_DEVICES
#error "the door of devices/ is wrong for this library"
#endif
#if __has_include("actors/README.md") != MAY_ACTORS
#error "the door of actors/ is wrong for this library"
#endif
#if __has_include("node/README.md") || __has_include("tests/README.md")
#error "nothing includes node/ or tests/"
#endif
