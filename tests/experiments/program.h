// Runs programs of ours as a user would, in a folder of their own.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "space/rng.h"
#include "tests/scratch_folder.h"

namespace hwnas::testing {

struct Result {
  int code = -1;  // exit code, or 128 + signal
  std::string out, err;
};

inline std::string slurp(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

using Folder = ScratchFolder;

// Starts a shell command in `folder`; its output goes to files there.
inline pid_t start(const std::filesystem::path& folder, const std::string& command) {
  const pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    if (chdir(folder.c_str()) != 0) _exit(126);
    const int out = open("stdout.txt", O_CREAT | O_TRUNC | O_WRONLY, 0644);
    const int err = open("stderr.txt", O_CREAT | O_TRUNC | O_WRONLY, 0644);
    dup2(out, 1);
    dup2(err, 2);
    execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  return child;
}

inline Result finish(pid_t child, const std::filesystem::path& folder) {
  int status = 0;
  waitpid(child, &status, 0);
  Result result;
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = slurp(folder / "stdout.txt");
  result.err = slurp(folder / "stderr.txt");
  return result;
}

inline Result run(const std::filesystem::path& folder, const std::string& command) {
  return finish(start(folder, command), folder);
}

inline const std::string kHwnas = std::string(HWNAS_BIN_DIR) + "/hwnas";

inline void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

// A made-up data set in MNIST's format: each class is a bright square in a place of its own, with
// noise.
inline void write_idx(const std::filesystem::path& folder, int images, int test_images) {
  Rng rng(42);
  const auto put32 = [](std::string& text, std::uint32_t v) {
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(v >> shift & 0xFF);
  };
  for (const auto& [prefix, count] : {std::pair{"train", images}, std::pair{"t10k", test_images}}) {
    std::string pixels, labels;
    put32(pixels, 0x803);
    for (const int n : {count, 28, 28}) put32(pixels, static_cast<std::uint32_t>(n));
    put32(labels, 0x801);
    put32(labels, static_cast<std::uint32_t>(count));
    for (int i = 0; i < count; ++i) {
      const int label = i % 10;
      labels += static_cast<char>(label);
      for (int y = 0; y < 28; ++y) {
        for (int x = 0; x < 28; ++x) {
          const bool inside = y / 7 == label / 4 && x / 7 == label % 4;
          pixels += static_cast<char>(inside ? 200 : rng.below(120));
        }
      }
    }
    write(folder / (std::string(prefix) + "-images-idx3-ubyte"), pixels);
    write(folder / (std::string(prefix) + "-labels-idx1-ubyte"), labels);
  }
}

}  // namespace hwnas::testing
