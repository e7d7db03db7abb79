// Program: a program of the user's own says what a candidate costs: a simulator, a compiler's
// report, a real board behind ssh. It is started in the folder of the device file, reads one
// request a line and writes one reply a line (JSON; families/program.md). Whatever it does to a
// request (crash, hang, rubbish, impossible figures), the candidate is not covered, with a reason.
//
// Requests wait for each other: `processes` of them are under way at the same time.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "hw_models/conversation.h"
#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/named_files.h"

namespace hwnas {

class Program final : public CostModel {
 public:
  struct Settings {
    std::string device;
    std::string who;  // that is blamed for what goes wrong: "my_model.py"
    Confidence confidence = Confidence::D;
    Price price;
    bool network_file = true;  // in requests
    ConversationOptions conversation;
  };
  explicit Program(Settings settings);
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;

  // Starts it with a request without a network, which our own host of plug-ins understands. Returns
  // why it is not ready, or "".
  std::string greet() const;

 private:
  Settings settings_;
  mutable Conversation conversation_;
  mutable std::atomic<std::int64_t> requests_{0};
};

// time_limit_s, restarts and processes of a section.
ConversationOptions read_conversation(const TomlTable& section);

// Throws InputError.
std::shared_ptr<const CostModel> make_program(const TomlTable& file, const std::string& device,
                                              Confidence confidence, NamedFiles& files);

}  // namespace hwnas
