// The only place that knows oneTBB (or std::thread, under HWNAS_STD_THREADS).
#pragma once

#include <functional>

namespace hwnas {

// Calls body(i) for every i in [0, n) on at most `threads` threads, the caller's among them, and
// returns when all are done. The first exception thrown by a body is thrown again here.
void parallel_for(int n, int threads, const std::function<void(int)>& body);

// Threads that the machine offers to this process (affinity counted); at least 1.
int machine_threads();

}  // namespace hwnas
