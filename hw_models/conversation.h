// Conversation: programs of somebody else's that take one line and answer with one line.
//
// Whatever they do (crash, hang, write rubbish, close their pipes), ask() comes back: with a line,
// or with the reason why there is none. Each program has a thread of its own, which starts it and
// lives as long as the conversation: a child dies when the thread that started it ends. Nothing is
// started before the first ask(). Thread-safe; with `processes` programs as many are asked at once.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace hwnas {

struct ConversationOptions {
  std::vector<std::string> command;  // program (looked up in PATH) and arguments
  std::filesystem::path folder;      // that it runs in
  double time_limit_s = 10;          // for one answer, the start included
  int restarts = 100;                // in all, before all is given up
  int processes = 1;
};

class Conversation {
 public:
  explicit Conversation(ConversationOptions options);
  ~Conversation();  // closes their input, waits briefly, kills what is left
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // Sends one line and gives the line that comes back to `read`, which returns what is wrong with
  // it, or "". A program that answers wrongly is out of step and replaced before the next line.
  // `read` runs on another thread. Returns "" or why there is no answer.
  using Read = std::function<std::string(const std::string&)>;
  std::string ask(std::string line, Read read);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hwnas
