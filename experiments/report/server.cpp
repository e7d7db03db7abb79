#include "experiments/report/server.h"

#include <httplib.h>

#include <charconv>
#include <chrono>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>

#include "experiments/report/page.h"
#include "experiments/report/study_json.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using nlohmann::json;

// Changes whenever a run has written.
std::string state_of(const fs::path& path) {
  std::string state;
  for (const char* ending : {"", "-wal"}) {
    std::error_code error;
    const fs::path file = path.string() + ending;
    const auto size = fs::file_size(file, error);
    const auto time = fs::last_write_time(file, error).time_since_epoch().count();
    state += error ? "-" : std::to_string(size) + "." + std::to_string(time) + ".";
  }
  return state;
}

// Thread-safe.
class LiveStudy {
 public:
  explicit LiveStudy(fs::path path) : path_(std::move(path)), study_(Study::open_readonly(path_)) {}

  struct Text {
    std::string tag, body;
  };
  Text whole() {
    const std::lock_guard lock(reading_);
    const auto now = Clock::now();
    if (now >= next_) {
      const std::string state = state_of(path_);  // before it is read: a change meanwhile is seen
      if (state != state_) {
        text_.body = text(study_json(study_, path_));
        text_.tag = '"' + std::to_string(std::hash<std::string>()(text_.body)) + '"';
        state_ = state;
        next_ = now + 20 * (Clock::now() - now);
      }
    }
    return text_;
  }

  std::string trial(TrialId id) {
    const std::lock_guard lock(reading_);
    return text(trial_json(study_, path_, id));
  }

 private:
  static std::string text(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
  }

  const fs::path path_;
  const Study study_;
  std::mutex reading_;
  std::string state_ = "unread";
  Text text_;
  Clock::time_point next_;
};

using Handler = std::function<void(LiveStudy&, const httplib::Request&, httplib::Response&)>;

// Of the study that the path's first part numbers.
httplib::Server::Handler of_study(std::deque<LiveStudy>& studies, Handler handler) {
  return [&studies, handler](const httplib::Request& request, httplib::Response& response) {
    std::size_t n = 0;
    const std::string digits = request.matches[1];
    std::from_chars(digits.data(), digits.data() + digits.size(), n);
    if (n >= studies.size()) {
      response.status = 404;
      return;
    }
    try {
      handler(studies[n], request, response);
    } catch (const InputError& error) {
      response.status = 404;
      response.set_content(error.what(), "text/plain; charset=utf-8");
    }
  };
}

std::string first_page(std::deque<LiveStudy>& studies) {
  json all = json::array();
  for (LiveStudy& study : studies) all.push_back(json::parse(study.whole().body));
  return report_page(all, true);
}

void add_handlers(httplib::Server& server, std::deque<LiveStudy>& studies) {
  server.Get("/", [&studies](const httplib::Request&, httplib::Response& response) {
    response.set_content(first_page(studies), "text/html; charset=utf-8");
  });
  server.Get(R"(/study/(\d{1,6}))",
             of_study(studies, [](LiveStudy& study, const httplib::Request& request,
                                  httplib::Response& response) {
               const LiveStudy::Text text = study.whole();
               response.set_header("ETag", text.tag);
               response.set_header("Cache-Control", "no-cache");
               if (request.get_header_value("If-None-Match") == text.tag) {
                 response.status = 304;
               } else {
                 response.set_content(text.body, "application/json");
               }
             }));
  server.Get(R"(/study/(\d{1,6})/trial/(\d{1,15}))",
             of_study(studies, [](LiveStudy& study, const httplib::Request& request,
                                  httplib::Response& response) {
               response.set_content(study.trial(std::stoll(request.matches[2])),
                                    "application/json");
             }));
}

}  // namespace

void serve(const std::vector<fs::path>& paths, const std::string& address, int port,
           std::stop_token stop, const std::function<void(const std::string&)>& ready) {
  std::deque<LiveStudy> studies;
  for (const fs::path& path : paths) studies.emplace_back(path);
  first_page(studies);  // what is missing is better known now
  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(4); };
  server.set_socket_options(
      [](socket_t socket) {  // not SO_REUSEPORT: a port that is taken is taken
        const int yes = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      });
  add_handlers(server, studies);
  const int bound = port == 0 ? server.bind_to_any_port(address)
                              : (server.bind_to_port(address, port) ? port : -1);
  if (bound < 0)
    throw InputError("", 0, "--port", std::to_string(port),
                     "is taken, or is not to be had on " + address + "; 0 takes one that is free");
  ready("http://" + (address == "0.0.0.0" ? "127.0.0.1" : address) + ":" + std::to_string(bound) +
        "/");
  const std::stop_callback stopping(stop, [&server] { server.stop(); });
  if (!stop.stop_requested()) server.listen_after_bind();
}

}  // namespace hwnas
