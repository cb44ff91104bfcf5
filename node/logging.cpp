#include "node/logging.hpp"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace tally {

struct node_log::impl {
  std::shared_ptr<spdlog::logger> node, security;
};

node_log::node_log(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
node_log::~node_log() = default;

result<std::unique_ptr<node_log>> node_log::open(const std::filesystem::path& folder, std::string_view level) {
  constexpr std::size_t bytes_max = 5 * 1024 * 1024, files_max = 3;
  try {
    std::filesystem::create_directories(folder);
    auto screen = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    auto file =
        std::make_shared<spdlog::sinks::rotating_file_sink_mt>((folder / "node.log").string(), bytes_max, files_max);
    auto guard = std::make_shared<spdlog::sinks::rotating_file_sink_mt>((folder / "security.log").string(), bytes_max,
                                                                        files_max);
    auto i = std::make_unique<impl>();
    i->node = std::make_shared<spdlog::logger>("node", spdlog::sinks_init_list{screen, file});
    i->security = std::make_shared<spdlog::logger>("security", spdlog::sinks_init_list{screen, guard});
    for (auto& l : {i->node, i->security}) {
      l->set_level(spdlog::level::from_str(std::string(level)));
      l->set_pattern("%Y-%m-%dT%H:%M:%S.%e %n %l: %v");
      l->flush_on(spdlog::level::info);
    }
    return std::unique_ptr<node_log>(new node_log(std::move(i)));
  } catch (const std::exception& e) {
    return error{errc::io, "the log in " + folder.string() + ": " + e.what()};
  }
}

bool is_security(errc code) {
  switch (code) {
    case errc::bad_signature:
    case errc::bad_proof:
    case errc::bad_token:
    case errc::not_certified:
    case errc::not_entitled:
    case errc::rolled_back:
    case errc::not_allowed:
    case errc::malformed: return true;
    default: return false;
  }
}

void node_log::info(std::string_view text) { impl_->node->info(text); }

void node_log::problem(errc code, std::string_view text) {
  auto& l = is_security(code) ? impl_->security : impl_->node;
  l->warn("{}: {}", errc_name(code), text);
}

void node_log::fatal(std::string_view text) {
  impl_->node->critical(text);
  impl_->node->flush();
  impl_->security->flush();
}

}  // namespace tally
