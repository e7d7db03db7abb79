#include "hw_models/families/program.h"

#include <unistd.h>

#include <cstdlib>

#include "hw_models/exchange.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

// As execvp(3) would find it, from `folder`.
bool can_start(const std::string& program, const fs::path& folder) {
  if (program.find('/') != std::string::npos) return is_program(folder / program);
  const char* path = std::getenv("PATH");
  std::string_view places = path ? path : "/bin:/usr/bin";
  while (true) {
    const std::size_t end = std::min(places.find(':'), places.size());
    if (is_program(folder / places.substr(0, end) / program)) return true;
    if (end == places.size()) return false;
    places.remove_prefix(end + 1);
  }
}

}  // namespace

ConversationOptions read_conversation(const TomlTable& section) {
  ConversationOptions options;
  options.time_limit_s = section.number("time_limit_s", 1e-3, 1e6, options.time_limit_s);
  options.restarts = static_cast<int>(section.integer("restarts", 0, 1'000'000, options.restarts));
  options.processes = static_cast<int>(section.integer("processes", 1, 256, options.processes));
  return options;
}

Program::Program(Settings settings)
    : settings_(std::move(settings)), conversation_(settings_.conversation) {}

Estimate Program::estimate(const Workload& workload) const {
  const Candidate& candidate = workload.candidate();
  if (std::string why = refusal(candidate); !why.empty()) return not_covered(std::move(why));
  const std::int64_t id = ++requests_;
  Reply reply;
  const std::string trouble =
      conversation_.ask(request_line(id, settings_.device, candidate, settings_.network_file),
                        [&](const std::string& line) {
                          reply = read_reply(line, id, candidate);
                          return reply.out_of_step;
                        });
  if (!trouble.empty()) return not_covered(settings_.device + ": " + settings_.who + " " + trouble);
  if (!reply.refusal.empty()) {
    const bool named = reply.refusal.find(settings_.device) != std::string::npos;
    return not_covered((named ? "" : settings_.device + ": ") + reply.refusal);
  }
  return to_estimate(reply.figures, std::move(reply.rows), workload, settings_.price,
                     settings_.confidence);
}

std::string Program::greet() const {
  return conversation_.ask(greeting_line(), read_greeting);
}

std::shared_ptr<const CostModel> make_program(const TomlTable& file, const std::string& device,
                                              Confidence confidence, NamedFiles& files) {
  const TomlTable section = cited_section(file, "program");
  Program::Settings settings;
  settings.device = device;
  settings.confidence = confidence;
  settings.price = Price::read(file);
  settings.conversation = read_conversation(section);
  auto& [command, folder, time_limit_s, restarts, processes] = settings.conversation;
  command = section.strings("command");
  if (command.empty() || command.front().empty())
    throw section.error("command",
                        "expected a program and its arguments, such as "
                        "[\"python3\", \"my_model.py\"]");
  folder = files.folder(section, "command");
  if (!can_start(command.front(), folder))
    throw section.error(
        "command", "no program '" + command.front() + "' that can be run" +
                       (command.front().find('/') == std::string::npos
                            ? " in PATH; one beside this file is named './" + command.front() + "'"
                            : ""));
  settings.who = "'" + command.front() + "'";
  for (const std::string& part : command) {
    std::error_code ignored;
    const bool own = !part.empty() && fs::path(part).is_relative() &&
                     fs::is_regular_file(folder / part, ignored);
    if (!own && !files.has(part)) continue;
    files.find(section, "command", part);
    settings.who = "'" + fs::path(part).filename().string() + "'";
  }
  section.done();
  return std::make_shared<Program>(std::move(settings));
}

}  // namespace hwnas
