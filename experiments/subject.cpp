#include "experiments/subject.h"

#include <algorithm>
#include <charconv>

#include "experiments/experiment.h"
#include "experiments/library.h"
#include "experiments/onnx_file.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

// "runs/a.db:42" -> 42 and the path; nothing where it is no such text.
std::optional<std::int64_t> trial_of(const std::string& text, std::string& study) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return std::nullopt;
  if (text.size() < 4 || text.substr(0, colon).rfind(".db") != colon - 3) return std::nullopt;
  std::int64_t id = -1;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, id);
  if (parsed.ec != std::errc() || parsed.ptr != end || id < 0)
    throw InputError("", 0, "NETWORK", text, "expected the number of a trial after the colon");
  study = text.substr(0, colon);
  return id;
}

Candidate trial_candidate(const std::string& path, std::int64_t id) {
  const Study study = Study::open_readonly(path);
  const auto trial = study.trial(id);
  if (!trial) {
    throw InputError(
        path, 0, "", "",
        "has no trial " + std::to_string(id) + "; it has " + std::to_string(study.trial_count()));
  }
  return stored_space(study).decode(trial->genotype);
}

Candidate as_written(const std::string& text) {
  std::string study;
  if (const auto id = trial_of(text, study)) return trial_candidate(study, *id);
  if (text.ends_with(".db"))
    throw InputError("", 0, "NETWORK", text, "is a study; a trial of it is " + text + ":ID");
  if (const auto end = text.find(".onnx"); end != std::string::npos) {
    const auto sizes = text.substr(end + 5);
    if (sizes.empty() || sizes[0] == ':')
      return {
          {},
          read_onnx(text.substr(0, end + 5), sizes.substr(std::min<std::size_t>(1, sizes.size()))),
          {}};
  }
  return {{}, find_network(text), {}};
}

}  // namespace

Candidate find_subject(const std::string& text) {
  Candidate candidate = as_written(text);
  auto alive = live(std::move(candidate.network));
  if (!alive) throw InputError(text + ": nothing reaches the output of this network");
  candidate.network = std::move(*alive);
  return candidate;
}

double clock_share(const std::string& text) {
  double share = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, share);
  if (parsed.ec != std::errc() || parsed.ptr != end || !(share > 0 && share <= 1))
    throw InputError("", 0, "--clock", text, "expected a share of the highest clock, such as 0.5");
  return share;
}

Network at_bits(const Network& network, const std::string& text) {
  int bits[2] = {0, 0};
  const char* at = text.data();
  const char* end = at + text.size();
  auto parsed = std::from_chars(at, end, bits[0]);
  bits[1] = bits[0];
  bool good = parsed.ec == std::errc();
  if (good && parsed.ptr != end && *parsed.ptr == ',') {
    parsed = std::from_chars(parsed.ptr + 1, end, bits[1]);
    good = parsed.ec == std::errc();
  }
  good =
      good && parsed.ptr == end && bits[0] >= 1 && bits[0] <= 32 && bits[1] >= 1 && bits[1] <= 32;
  if (!good)
    throw InputError("", 0, "--bits", text,
                     "expected bits of weights and activations, such as 8 or 4,8");
  return with_precision(network, bits[0], bits[1]);
}

}  // namespace hwnas
