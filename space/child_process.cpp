#include "space/child_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace hwnas {
namespace {

constexpr std::size_t kErrorTail = 4096;  // bytes of a child's errors that are kept

struct Pipe {
  int read = -1, write = -1;

  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      throw std::runtime_error(std::string("cannot make a pipe: ") + std::strerror(errno));
    }
    read = ends[0];
    write = ends[1];
  }
  ~Pipe() {
    for (const int end : {read, write}) {
      if (end >= 0) ::close(end);
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int take(int& end) {
    fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK);
    return std::exchange(end, -1);
  }
};

std::string_view describe_signal(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "segmentation fault";
    case SIGKILL:
      return "killed; out of memory?";
    case SIGABRT:
      return "aborted";
    case SIGFPE:
      return "arithmetic error";
    case SIGILL:
      return "illegal instruction";
    case SIGBUS:
      return "bus error";
    case SIGTERM:
      return "terminated";
    case SIGINT:
      return "interrupted";
    case SIGPIPE:
      return "broken pipe";
    case SIGXCPU:
      return "CPU time limit";
    case SIGXFSZ:
      return "file size limit";
    default:
      return "";
  }
}

// write(2) without a SIGPIPE for the process, whose handlers are not ours to change.
ssize_t write_quietly(int fd, const char* data, std::size_t size) {
  sigset_t pipe_signal, before, waiting;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigpending(&waiting);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t written = ::write(fd, data, size);
  const int error = errno;
  if (written < 0 && error == EPIPE && !sigismember(&waiting, SIGPIPE)) {
    const timespec now{};
    while (sigtimedwait(&pipe_signal, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

// Between fork and exec: nothing but system calls.
[[noreturn]] void become(char* const* arguments, char* const* environment,
                         const ChildOptions& options, int in, int out, int err, int trouble,
                         pid_t parent) {
  setpgid(0, 0);  // the terminal's Ctrl-C is for the parent alone
  prctl(PR_SET_PDEATHSIG, options.asked_to_end ? SIGTERM : SIGKILL);
  if (getppid() != parent) _exit(127);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int ignored : {SIGPIPE, SIGINT, SIGTERM}) signal(ignored, SIG_DFL);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);  // descriptors of others, where supported
  const char* folder = options.folder.c_str();
  if (*folder == '\0' || chdir(folder) == 0) execvpe(arguments[0], arguments, environment);
  const int error = errno;
  [[maybe_unused]] const ssize_t told = ::write(trouble, &error, sizeof error);
  _exit(127);
}

// The environment of this process with `added` in the place of variables of the same name.
std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> all;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view old = *entry;
    const auto is_replaced = [old](const std::string& one) {
      return old.starts_with(std::string_view(one).substr(0, one.find('=') + 1));
    };
    if (std::none_of(added.begin(), added.end(), is_replaced)) all.emplace_back(old);
  }
  all.insert(all.end(), added.begin(), added.end());
  return all;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::string describe_exit(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    std::string text = "killed by signal " + std::to_string(signal);
    if (const auto word = describe_signal(signal); !word.empty())
      text.append(" (").append(word).append(")");
    return text;
  }
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

ChildProcess::ChildProcess(const std::vector<std::string>& command, const ChildOptions& options) {
  if (command.empty()) throw std::runtime_error("no program given");
  const std::vector<std::string> environment = environment_with(options.environment);
  const std::vector<char*> arguments = pointers_to(command), variables = pointers_to(environment);
  Pipe in, out, err, trouble;
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) {
    throw std::runtime_error("cannot start '" + command[0] + "': " + std::strerror(errno));
  }
  if (pid_ == 0) {
    become(arguments.data(), variables.data(), options, in.read, out.write, err.write,
           trouble.write, parent);
  }
  setpgid(pid_, pid_);  // both sides do, so that kill() finds the group at once
  ::close(std::exchange(trouble.write, -1));
  int error = 0;
  ssize_t got;
  while ((got = ::read(trouble.read, &error, sizeof error)) < 0 && errno == EINTR) {
  }
  if (got == sizeof error) {
    waitpid(pid_, nullptr, 0);
    throw std::runtime_error("cannot start '" + command[0] + "': " + std::strerror(error));
  }
  input_ = in.take(in.write);
  output_ = out.take(out.read);
  errors_ = err.take(err.read);
  if (options.with_descendants) start_guard();
}

// A shell in the group of the child that waits for the end of its input, which is the end of this
// process, and then kills the group. Best effort: without it, the child alone dies with us.
void ChildProcess::start_guard() {
  Pipe pipe;
  guard_ = fork();
  if (guard_ == 0) {
    if (setpgid(0, pid_) != 0) _exit(0);
    dup2(pipe.read, STDIN_FILENO);
    syscall(SYS_close_range, 1U, 2U, 0U);
    syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
    execl("/bin/sh", "sh", "-c", "read -r nothing; kill -KILL 0", static_cast<char*>(nullptr));
    _exit(0);
  }
  guard_input_ = std::exchange(pipe.write, -1);
}

ChildProcess::~ChildProcess() {
  kill();
  for (const int fd : {input_, output_, errors_, guard_input_}) {
    if (fd >= 0) ::close(fd);
  }
}

void ChildProcess::send(std::string_view line) {
  pending_.erase(0, sent_);
  sent_ = 0;
  pending_.append(line).append("\n");
}

bool ChildProcess::flush() {
  while (input_ >= 0 && wants_to_write()) {
    const ssize_t n = write_quietly(input_, pending_.data() + sent_, pending_.size() - sent_);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (n < 0)
      close_input();
    else
      sent_ += static_cast<std::size_t>(n);
  }
  return input_ >= 0;
}

void ChildProcess::close_input() {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
  pending_.clear();
  sent_ = 0;
}

void ChildProcess::read_output(std::size_t limit) {
  std::array<char, 65536> buffer;
  for (std::size_t total = 0; output_ >= 0 && total < limit;) {
    const ssize_t n = ::read(output_, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) {
      ::close(std::exchange(output_, -1));
      return;
    }
    received_.append(buffer.data(), static_cast<std::size_t>(n));
    total += static_cast<std::size_t>(n);
  }
}

void ChildProcess::read_errors() {
  std::array<char, 16384> buffer;
  for (int round = 0; errors_ >= 0 && round < 64; ++round) {
    const ssize_t n = ::read(errors_, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) {
      ::close(std::exchange(errors_, -1));
      return;
    }
    error_tail_.append(buffer.data(), static_cast<std::size_t>(n));
    if (error_tail_.size() > kErrorTail) error_tail_.erase(0, error_tail_.size() - kErrorTail);
  }
}

std::optional<std::string> ChildProcess::next_line() {
  const std::size_t end = received_.find('\n', std::max(taken_, scanned_));
  if (end == std::string::npos) {
    received_.erase(0, taken_);
    taken_ = 0;
    scanned_ = received_.size();
    return std::nullopt;
  }
  std::string line = received_.substr(taken_, end - taken_);
  taken_ = scanned_ = end + 1;
  return line;
}

bool ChildProcess::ended() {
  if (status_) return true;
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return false;
  if (info.si_pid == pid_) kill();
  return status_.has_value();
}

void ChildProcess::kill() {
  if (status_) return;
  // Not yet reaped, so the number is still its own; what it started dies with it.
  ::kill(-pid_, SIGKILL);
  int status = 0;
  if (guard_ > 0) {
    ::kill(guard_, SIGKILL);  // it may not have joined the group yet
    while (waitpid(guard_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  status_ = status;
}

void ChildProcess::ask_to_end() {
  if (!status_) ::kill(-pid_, SIGTERM);
}

// A shell or a launcher that passes it on says so in its exit code.
bool ChildProcess::was_asked_to_end() const {
  if (!status_) return false;
  return WIFSIGNALED(*status_) ? WTERMSIG(*status_) == SIGTERM
                               : WEXITSTATUS(*status_) == 128 + SIGTERM;
}

std::string ChildProcess::epitaph() const {
  std::string text = status_ ? describe_exit(*status_) : "";
  if (const std::string words = last_words(); !words.empty()) text += ": " + words;
  return text;
}

std::string ChildProcess::last_words() const {
  const std::size_t last = error_tail_.find_last_not_of(" \t\r\n");
  if (last == std::string::npos) return "";
  const std::size_t before = error_tail_.find_last_of('\n', last);
  const std::size_t first = before == std::string::npos ? 0 : before + 1;
  return error_tail_.substr(first, last - first + 1);
}

}  // namespace hwnas
