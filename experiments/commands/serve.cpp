#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "space/input_error.h"

#ifdef HWNAS_SERVE
#include "experiments/interrupt.h"
#include "experiments/report/server.h"
#endif

namespace hwnas {

int serve_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas serve STUDY [STUDY...] [--port N]",
      "The page of `hwnas report` over studies that may be running: what lands in them "
      "appears in it.\nReads only, and is reached from this machine only. Ctrl-C ends "
      "it.\nExample: hwnas serve fashion_mnist.db");
  line.positionals("STUDY", "a study file")
      .value("port", "N", "to listen on (8080); 0: any that is free")
      .value("address", "A", "to listen on (127.0.0.1); 0.0.0.0: everyone may read the studies");
  if (!line.parse(arguments)) return 0;
#ifdef HWNAS_SERVE
  const int port = static_cast<int>(line.integer("port", 0, 65535).value_or(8080));
  const std::string address = line.has("address") ? line.get("address") : "127.0.0.1";
  std::vector<std::filesystem::path> studies;
  for (const std::string& path : line.list("STUDY")) studies.emplace_back(path);
  Interrupt interrupt;
  serve(studies, address, port, interrupt.stop(),
        [](const std::string& url) { std::cout << url << "   (Ctrl-C ends it)" << std::endl; });
  return 0;
#else
  throw InputError(
      "this hwnas was built without the library cpp-httplib (Debian: "
      "libcpp-httplib-dev); 'hwnas report' writes the same page to a file");
#endif
}

}  // namespace hwnas
