#include "hw_models/conversation.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <optional>
#include <sstream>
#include <system_error>
#include <thread>

#include "space/child_process.h"

namespace hwnas {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kLongestLine = std::size_t{16} << 20;  // bytes; a longer one has no end
constexpr std::size_t kReadAtOnce = std::size_t{1} << 20;
constexpr int kTickMs = 50;  // how soon a death that closes nothing is noticed
constexpr std::chrono::milliseconds kGrace{1000};  // for leaving once the input is closed

void wait_for(const ChildProcess& child, SteadyClock::time_point deadline) {
  pollfd waits[3];
  nfds_t count = 0;
  if (child.output() >= 0) waits[count++] = {child.output(), POLLIN, 0};
  if (child.errors() >= 0) waits[count++] = {child.errors(), POLLIN, 0};
  if (child.input() >= 0 && child.wants_to_write()) waits[count++] = {child.input(), POLLOUT, 0};
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
  poll(waits, count, static_cast<int>(std::clamp<long>(static_cast<long>(left), 1, kTickMs)));
}

std::string with_last_words(std::string text, const ChildProcess& child) {
  if (const std::string words = child.last_words(); !words.empty()) text += ": " + words;
  return text;
}

struct Question {
  std::string line;
  Conversation::Read read;
  std::promise<std::string> answer;
};

}  // namespace

struct Conversation::Impl {
  explicit Impl(ConversationOptions o) : options(std::move(o)) {}

  void work();
  std::string serve(std::optional<ChildProcess>& child, Question& question);
  std::string talk(ChildProcess& child, Question& question);
  void leave(ChildProcess& child);

  const ConversationOptions options;
  std::once_flag started;
  std::mutex mutex;  // of all below
  std::condition_variable something;
  std::deque<Question> questions;
  bool over = false;
  int starts = 0;
  bool given_up = false;
  std::string last_trouble;
  std::vector<std::thread> threads;
};

// The answer of a running child, or what is wrong with it.
std::string Conversation::Impl::talk(ChildProcess& child, Question& question) {
  const auto deadline =
      SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(
                               std::chrono::duration<double>(options.time_limit_s));
  child.send(question.line);
  while (true) {
    child.flush();
    const bool ended = child.ended();  // asked first: what it wrote before is then all there
    child.read_output(ended ? kLongestLine : kReadAtOnce);
    child.read_errors();
    if (const auto line = child.next_line()) return question.read(*line);
    if (ended) return "ended without an answer, " + child.epitaph();
    if (child.unfinished_bytes() > kLongestLine) return "wrote a line without end";
    if (SteadyClock::now() >= deadline) {
      std::ostringstream text;
      text << "gave no answer within " << options.time_limit_s << " s";
      return with_last_words(text.str(), child);
    }
    if (child.output() < 0) {
      // Usually the end is next; one that lives on has no voice any more.
      const auto grace = std::min(deadline, SteadyClock::now() + kGrace);
      while (!child.ended() && SteadyClock::now() < grace) wait_for(child, grace);
      child.read_errors();
      if (!child.ended()) return with_last_words("closed its output", child);
    } else {
      wait_for(child, deadline);
    }
  }
}

std::string Conversation::Impl::serve(std::optional<ChildProcess>& child, Question& question) {
  if (child) {
    // One that ended, or spoke without being asked, is of no use for the next question.
    const bool ended = child->ended();
    child->read_output(kReadAtOnce);
    child->read_errors();
    if (ended || child->output() < 0 || child->next_line() || child->unfinished_bytes() > 0) {
      const std::lock_guard lock(mutex);
      last_trouble = ended ? child->epitaph() : "wrote more than one line for a request";
      child.reset();
    }
  }
  {
    const std::lock_guard lock(mutex);
    if (!child && starts >= options.processes + options.restarts) given_up = true;
    if (given_up) {
      return "given up after " + std::to_string(options.restarts) +
             (options.restarts == 1 ? " restart" : " restarts") +
             "; the last trouble: " + last_trouble;
    }
    if (!child) ++starts;
  }
  std::string trouble;
  try {
    if (!child) child.emplace(options.command, ChildOptions{options.folder, true});
    trouble = talk(*child, question);
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  if (!trouble.empty()) {
    child.reset();
    const std::lock_guard lock(mutex);
    last_trouble = trouble;
  }
  return trouble;
}

void Conversation::Impl::leave(ChildProcess& child) {
  child.close_input();
  const auto deadline = SteadyClock::now() + kGrace;
  while (!child.ended() && SteadyClock::now() < deadline) {
    wait_for(child, deadline);
    child.read_output(kReadAtOnce);  // it may have more to say before it can leave
    child.read_errors();
    if (child.output() < 0 && child.errors() < 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Conversation::Impl::work() {
  std::optional<ChildProcess> child;
  while (true) {
    std::unique_lock lock(mutex);
    something.wait(lock, [this] { return over || !questions.empty(); });
    if (questions.empty()) break;
    Question question = std::move(questions.front());
    questions.pop_front();
    lock.unlock();
    question.answer.set_value(serve(child, question));
  }
  if (child) leave(*child);
}

Conversation::Conversation(ConversationOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}

Conversation::~Conversation() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->over = true;
  }
  impl_->something.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
}

std::string Conversation::ask(std::string line, Read read) {
  std::call_once(impl_->started, [this] {
    try {
      for (int i = 0; i < impl_->options.processes; ++i)
        impl_->threads.emplace_back([impl = impl_.get()] { impl->work(); });
    } catch (const std::system_error&) {  // fewer will do
    }
  });
  if (impl_->threads.empty()) return "no thread to be had";
  std::future<std::string> answer;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->questions.push_back({std::move(line), std::move(read), {}});
    answer = impl_->questions.back().answer.get_future();
  }
  impl_->something.notify_one();
  return answer.get();
}

}  // namespace hwnas
