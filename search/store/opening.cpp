#include "search/store/opening.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "search/store/front_table.h"
#include "search/store/identity.h"
#include "search/store/schema.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

InputError error_at(const fs::path& path, const std::string& problem) {
  return InputError(path.string(), 0, "", "", problem);
}

fs::path with_suffix(const fs::path& path, const char* suffix) {
  return path.string() + suffix;
}

// Refuses whatever is no study of a version that this program knows.
void check_header(Database& database, const fs::path& path) {
  if (database.integer("PRAGMA application_id") != kApplicationId) {
    throw error_at(path, "is an SQLite file, but not a study of hwnas");
  }
  const std::int64_t version = database.integer("PRAGMA user_version");
  if (version > kSchemaVersion) {
    throw error_at(path, "was written by a newer hwnas (schema " + std::to_string(version) +
                             "; this one knows up to " + std::to_string(kSchemaVersion) + ")");
  }
}

bool blank(Database& database) {
  return database.integer("PRAGMA application_id") == 0 &&
         database.integer("SELECT count(*) FROM sqlite_master") == 0;
}

void write_objectives(Database& database, const StudyInfo& info) {
  Statement& insert = database.cached("INSERT INTO objectives VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  std::size_t axis = 0;
  for (std::size_t i = 0; i < info.objectives.size(); ++i) {
    const Objective& objective = info.objectives[i];
    insert.bind(1, static_cast<std::int64_t>(i)).bind(2, to_string(objective.key.metric));
    insert.bind(3, objective.key.device).bind(4, std::int64_t{objective.optimised});
    objective.bound ? insert.bind(5, *objective.bound) : insert.bind_null(5);
    const bool known = objective.optimised && axis < info.reference.size();
    known ? insert.bind(6, info.reference[axis]) : insert.bind_null(6);
    known ? insert.bind(7, info.ideal.at(axis)) : insert.bind_null(7);
    axis += objective.optimised;
    insert.bind(8, objective.probability);
    insert.run();
  }
}

void create(Database& database, const StudyInfo& info, std::span<const StudyDevice> devices) {
  Transaction transaction(database, Transaction::For::writing);
  database.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
  migrate(database, kSchemaVersion);
  make_views(database, info, devices);
  database.cached("INSERT INTO runs VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(1, info.name)
      .bind(2, info.version)
      .bind(3, info.config)
      .bind(4, info.settings)
      .bind(5, info.space)
      .bind(6, std::int64_t{info.task.input.channels})
      .bind(7, std::int64_t{info.task.input.height})
      .bind(8, std::int64_t{info.task.input.width})
      .bind(9, std::int64_t{info.task.classes})
      .bind(10, info.algorithm)
      .bind(11, static_cast<std::int64_t>(info.seed))
      .bind(12, info.identity)
      .run();
  write_objectives(database, info);
  Statement& insert = database.cached("INSERT INTO devices VALUES (?, ?, ?)");
  for (const StudyDevice& device : devices) {
    const std::string hash = text_hash(device.text);
    insert.bind(1, device.name).bind(2, hash).bind(3, device.text).run();
  }
  transaction.commit();
}

// Settings of a writer's connection.
void make_ready(Database& database) {
  // A migration may make a table anew that others refer to.
  database.execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
      "PRAGMA foreign_keys = OFF; PRAGMA wal_autocheckpoint = 4000;");
}

void bring_up_to_date(Database& database, const StudyInfo& info,
                      std::span<const StudyDevice> devices) {
  if (database.integer("PRAGMA user_version") >= kSchemaVersion) return;
  migrate(database, kSchemaVersion);
  FrontTable::rebuild(database, info.objectives);
  make_views(database, info, devices);
}

// Without write access to the folder SQLite cannot make the -shm file that readers of a WAL share.
OpenStudy open_in_readonly_folder(const fs::path& path) {
  OpenStudy open;
  std::error_code none;
  const fs::path wal = with_suffix(path, "-wal");
  const bool pending = fs::file_size(wal, none) > 0 && !none;
  if (!pending) {  // all is in the file itself, and nobody writes it
    open.database = std::make_unique<Database>(path, Database::Mode::immutable);
    return open;
  }
  if (fs::exists(with_suffix(path, "-shm"), none)) {  // SQLite can do with those that are there
    open.database = std::make_unique<Database>(path, Database::Mode::read);
    return open;
  }
  // What a killed run left behind, moved without its -shm: read a copy, WAL and all.
  std::string folder = (fs::temp_directory_path() / "hwnas-XXXXXX").string();
  if (!mkdtemp(folder.data())) {
    throw error_at(path, std::string("cannot be opened: no temporary folder for a copy: ") +
                             std::strerror(errno));
  }
  open.copy.path = folder;
  const fs::path copy = fs::path(folder) / path.filename();
  fs::copy_file(path, copy);
  fs::copy_file(wal, with_suffix(copy, "-wal"));
  open.database = std::make_unique<Database>(copy, Database::Mode::read);
  return open;
}

}  // namespace

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path.empty()) fs::remove_all(path, ignored);
}

void migrate(Database& database, int schema) {
  auto version = database.integer("PRAGMA user_version");
  for (; version < schema; ++version)
    database.execute(migrations()[static_cast<std::size_t>(version)]);
  database.execute("PRAGMA user_version = " + std::to_string(version));
}

void make_views(Database& database, const StudyInfo& info, std::span<const StudyDevice> devices) {
  database.execute("DROP VIEW IF EXISTS pareto_front; DROP VIEW IF EXISTS trial_wide;");
  database.execute(study_views(info, devices));
}

StudyInfo read_info(Database& database) {
  StudyInfo info;
  Statement& run = database.cached(
      "SELECT name, version, config, settings, space, channels, height, width, "
      "classes, algorithm, seed, identity FROM runs");
  if (run.step()) {
    info.name = run.text(0);
    info.version = run.text(1);
    info.config = run.text(2);
    info.settings = run.text(3);
    info.space = run.text(4);
    const auto number = [&run](int column) { return static_cast<int>(run.integer(column)); };
    info.task = {{number(5), number(6), number(7)}, number(8)};
    info.algorithm = run.text(9);
    info.seed = static_cast<std::uint64_t>(run.integer(10));
    info.identity = run.text(11);
    run.reset();
  }
  // A study that is only read stays as old as it is.
  const bool without = database.integer("PRAGMA user_version") < 3;
  Statement& row = database.cached(
      without ? "SELECT metric, device, optimised, bound, reference, ideal, 0.0 "
                "FROM objectives ORDER BY position"
              : "SELECT metric, device, optimised, bound, reference, ideal, probability "
                "FROM objectives ORDER BY position");
  while (row.step()) {
    Objective objective;
    objective.key = {parse_metric(row.text(0)).value_or(Metric::accuracy),
                     std::string(row.text(1))};
    objective.optimised = row.integer(2) != 0;
    if (!row.is_null(3)) objective.bound = row.real(3);
    if (!row.is_null(4)) info.reference.push_back(row.real(4));
    if (!row.is_null(5)) info.ideal.push_back(row.real(5));
    objective.probability = row.real(6);
    info.objectives.push_back(std::move(objective));
  }
  return info;
}

std::vector<StudyDevice> read_devices(Database& database) {
  std::vector<StudyDevice> devices;
  Statement& row = database.cached("SELECT name, text FROM devices ORDER BY name");
  while (row.step()) devices.push_back({std::string(row.text(0)), std::string(row.text(1))});
  return devices;
}

OpenStudy open_for_writing(const fs::path& given, const StudyInfo& info,
                           std::span<const StudyDevice> devices) {
  const fs::path path = fs::weakly_canonical(given);  // one lock, whatever name it is called by
  if (fs::is_directory(path)) throw error_at(path, "is a folder, not a study");
  OpenStudy open;
  open.lock = std::make_unique<LockFile>(path);
  open.database = std::make_unique<Database>(path, Database::Mode::write);
  Database& database = *open.database;
  const bool fresh = blank(database);
  if (!fresh) {
    check_header(database, path);
    const std::string other =
        differences(read_info(database), read_devices(database), info, devices);
    if (!other.empty()) throw error_at(path, "belongs to another run: " + other);
  }
  make_ready(database);
  if (fresh) {
    create(database, info, devices);
  } else {
    Transaction transaction(database, Transaction::For::writing);
    bring_up_to_date(database, info, devices);
    // A larger budget is the same run: the file keeps the config that it was last run with.
    database.cached("UPDATE runs SET config = ? WHERE config <> ?")
        .bind(1, info.config)
        .bind(2, info.config)
        .run();
    transaction.commit();
  }
  database.execute("PRAGMA foreign_keys = ON");
  open.info = read_info(database);
  return open;
}

OpenStudy open_for_finals(const fs::path& given) {
  const fs::path path = fs::weakly_canonical(given);
  if (!fs::is_regular_file(path)) throw error_at(path, "no such file");
  OpenStudy open;
  open.lock = std::make_unique<LockFile>(path);
  open.database = std::make_unique<Database>(path, Database::Mode::write);
  check_header(*open.database, path);
  open.info = read_info(*open.database);
  make_ready(*open.database);
  Transaction transaction(*open.database, Transaction::For::writing);
  bring_up_to_date(*open.database, open.info, read_devices(*open.database));
  transaction.commit();
  open.database->execute("PRAGMA foreign_keys = ON");
  return open;
}

OpenStudy open_for_reading(const fs::path& path) {
  if (!fs::exists(path)) throw error_at(path, "no such file");
  if (fs::is_directory(path)) throw error_at(path, "is a folder, not a study");
  const fs::path folder = fs::absolute(path).parent_path();
  OpenStudy open;
  if (access(folder.c_str(), W_OK) == 0) {
    open.database = std::make_unique<Database>(path, Database::Mode::read);
  } else {
    open = open_in_readonly_folder(path);
  }
  check_header(*open.database, path);
  open.info = read_info(*open.database);
  return open;
}

}  // namespace hwnas
