#include "search/engine/scheduler.h"

#include <sched.h>

#include <algorithm>
#include <thread>

#ifdef HWNAS_STD_THREADS
#include <atomic>
#include <exception>
#include <mutex>
#include <vector>
#else
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>
#endif

namespace hwnas {

int machine_threads() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(1, CPU_COUNT(&allowed));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

#ifdef HWNAS_STD_THREADS

void parallel_for(int n, int threads, const std::function<void(int)>& body) {
  std::atomic<int> next = 0;
  std::mutex mutex;
  std::exception_ptr first;
  const auto work = [&] {
    for (int i; (i = next.fetch_add(1)) < n;) {
      try {
        body(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!first) first = std::current_exception();
        next = n;
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (int t = 1; t < std::min(threads, n); ++t) helpers.emplace_back(work);
    work();
  }
  if (first) std::rethrow_exception(first);
}

#else

void parallel_for(int n, int threads, const std::function<void(int)>& body) {
  // Of its own, so that a thread that waits in here picks up no body of another loop; not larger
  // than the machine, which oneTBB would oversubscribe.
  const int slots = std::min({threads, n, machine_threads()});
  if (slots <= 1) {
    for (int i = 0; i < n; ++i) body(i);
    return;
  }
  tbb::task_arena arena(slots);
  arena.execute([&] { tbb::parallel_for(0, n, body); });
}

#endif

}  // namespace hwnas
