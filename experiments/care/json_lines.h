// A study as JSON lines: {"hwnas_study": SCHEMA}, then each row of each table as
// {"table": "trials", "id": 0, ...}, in an order in which they can be read again. Numbers keep all
// their digits. The tables are those of search/store/README.md.
#pragma once

#include <filesystem>
#include <iosfwd>

namespace hwnas {

void write_json_lines(const std::filesystem::path& study, std::ostream& out);

// Makes the study `into`, which must not be there yet. `file`: the name of `in`, for messages.
// Throws InputError (file, line): no such lines, or no rows of a study; nothing is left then.
void read_json_lines(std::istream& in, const std::string& file, const std::filesystem::path& into);

}  // namespace hwnas
