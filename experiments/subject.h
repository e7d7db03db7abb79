// What a command is asked about: a network of the zoo, a network file, one matrix product, a trial
// of a study, or an ONNX model.
#pragma once

#include <optional>
#include <string>

#include "space/candidate.h"

namespace hwnas {

inline const char* const kSubjects =
    "a name from 'hwnas networks list', a network file, an ONNX file (FILE.onnx, or with the "
    "input's "
    "sizes FILE.onnx:3x224x224), a trial (STUDY.db:ID), or one matrix product (gemm:MxNxK)";

// The candidate, its network live. A trial comes with its own deployment. Throws InputError.
Candidate find_subject(const std::string& text);

// "8" or "4,8": the network with these bits of weights and activations. Throws InputError.
Network at_bits(const Network& network, const std::string& text);

// "0.5": a share of a device's highest clock, in (0, 1]. Throws InputError.
double clock_share(const std::string& text);

}  // namespace hwnas
