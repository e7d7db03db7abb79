// The server of `hwnas serve`: the report's page, live over studies that may be running.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace hwnas {

// Until `stop` is requested. `ready` is told the address once it can be asked. Studies are opened
// read-only, and read again only where their files have changed and at most a twentieth of the
// time. Throws InputError: a study that cannot be opened, a port that is taken.
//   GET /                    the page
//   GET /study/N             study_json() of the N-th, with an ETag
//   GET /study/N/trial/ID    trial_json()
void serve(const std::vector<std::filesystem::path>& studies, const std::string& address, int port,
           std::stop_token stop, const std::function<void(const std::string& url)>& ready);

}  // namespace hwnas
