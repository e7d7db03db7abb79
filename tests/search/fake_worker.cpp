// A child for process_pool_test: greets, then does to each line what the line says.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

volatile int* volatile null_pointer = nullptr;
std::string place;  // as told by the second argument

void say(const std::string& line) {
  std::cout << line << "\n" << std::flush;
}

// Its own address space is limited, so that new fails: the program ends by an uncaught bad_alloc.
void eat_memory() {
  const rlimit limit{256u << 20, 256u << 20};
  setrlimit(RLIMIT_AS, &limit);
  std::vector<char*> all;
  for (;;) {
    all.push_back(new char[8u << 20]);
    std::memset(all.back(), 1, 8u << 20);
  }
}

void spin_until_killed() {
  const rlimit limit{1, 1};  // s of CPU; at the hard limit the kernel sends SIGKILL
  setrlimit(RLIMIT_CPU, &limit);
  signal(SIGXCPU, SIG_IGN);
  for (volatile unsigned i = 0;;) {
    i = i + 1;
  }
}

void obey(const std::string& line);

// "FILE LINE": the first who gets it does as the line says, later ones are well.
void first_only(const std::string& rest) {
  const std::size_t space = rest.find(' ');
  const std::string file = rest.substr(0, space);
  if (std::ifstream(file)) return say("done by " + place);
  std::ofstream(file) << place;
  obey(rest.substr(space + 1));
}

void obey(const std::string& line) {
  const std::string word = line.substr(0, line.find(' '));
  const std::string rest = line.size() > word.size() ? line.substr(word.size() + 1) : "";
  if (word == "echo")
    say("progress"), say("done " + rest);
  else if (word == "length")
    say("done " + std::to_string(rest.size()));
  else if (word == "pid")
    say("done " + std::to_string(getpid()));
  else if (word == "place")
    say("done " + place);
  else if (word == "slow_gpu")
    usleep(400'000), say(std::string("done ") + std::getenv("CUDA_VISIBLE_DEVICES"));
  else if (word == "babble")
    say("!@#$"), say("done well?");
  else if (word == "first")
    first_only(rest);
  else if (word == "alive") {  // for so many ms, a sign of life every 50
    for (int ms = 0; ms < std::atoi(rest.c_str()); ms += 50) say("progress"), usleep(50'000);
    say("done alive");
  } else if (word == "segfault")
    *null_pointer = 1;
  else if (word == "exit")
    std::cerr << "first words\nout of paper\n\n", std::exit(std::atoi(rest.c_str()));
  else if (word == "abort")
    std::abort();
  else if (word == "hang")
    for (;;) pause();
  else if (word == "slow")
    usleep(static_cast<useconds_t>(std::atoi(rest.c_str())) * 1000), say("done slow");
  else if (word == "endless")
    for (;;) std::cout << "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
  else if (word == "chatter")
    for (;;) std::cout << "another line that ends nothing at all\n";
  else if (word == "terminate")
    raise(SIGTERM);
  else if (word == "mute")
    close(STDOUT_FILENO), pause();
  else if (word == "complain") {
    for (int i = 0; i < 300'000; ++i) std::cerr << "warning number " << i << "\n";
    say("done complaining");
  } else if (word == "eat")
    eat_memory();
  else if (word == "spin")
    spin_until_killed();
  else if (word == "last")
    say("done last"), std::exit(0);  // answers, then leaves
  else if (word == "orphan") {       // leaves behind a process that holds its output open
    if (fork() == 0)
      for (;;) pause();
    std::exit(4);
  } else
    say("done?");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "die_at_once") {
    std::cerr << "no licence\n";
    return 5;
  }
  if (mode == "never_greet")
    for (;;) pause();
  if (mode == "fail_first") {  // dies without a greeting until the file named by argv[2] exists
    if (!std::ifstream(argv[2])) {
      std::ofstream(argv[2]) << "tried";
      return 6;
    }
  }
  if (mode == "at") place = argv[2];
  if (mode == "once_well") {  // as the file named by argv[2] says: a first start, and all others
    if (std::ifstream(argv[2])) return 7;
    std::ofstream(argv[2]) << "started";
  }
  say("hello 1");
  std::string line;
  while (std::getline(std::cin, line)) obey(line);
  if (mode == "ignore_eof")
    for (;;) pause();
}
