#include "hw_models/families/plugin.h"

#include "hw_models/families/program.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

// Beside this executable, else just its name (looked up in PATH).
std::string host_program() {
  std::error_code error;
  const fs::path beside =
      fs::read_symlink("/proc/self/exe", error).parent_path() / "hwnas-plugin-host";
  return fs::exists(beside, error) ? beside.string() : "hwnas-plugin-host";
}

}  // namespace

std::shared_ptr<const CostModel> make_plugin(const TomlTable& file, const std::string& device,
                                             Confidence confidence, NamedFiles& files) {
  const TomlTable section = cited_section(file, "plugin");
  Program::Settings settings;
  settings.device = device;
  settings.confidence = confidence;
  settings.price = Price::read(file);
  settings.network_file = false;
  settings.conversation = read_conversation(section);
  const fs::path library = files.find(section, "library");
  section.done();
  settings.who = "'" + library.filename().string() + "'";
  settings.conversation.command = {host_program(), library.string()};
  settings.conversation.folder = library.parent_path();
  auto program = std::make_shared<Program>(std::move(settings));
  if (const std::string trouble = program->greet(); !trouble.empty())
    throw section.error("library", trouble);
  return program;
}

}  // namespace hwnas
