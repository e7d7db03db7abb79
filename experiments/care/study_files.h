// A study is a file, and a folder of what its trials left behind: both go together.
//
// Errors: InputError, also where a run writes the study.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hwnas {

// The files and the folder that belong to a study and are there: STUDY, -wal, -shm, STUDY.files.
std::vector<std::filesystem::path> parts_of(const std::filesystem::path& study);

// Its name is that of the file. Nothing may be there yet under the new name.
void rename_study(const std::filesystem::path& study, const std::filesystem::path& to);

// Deletes all its parts.
void delete_study(const std::filesystem::path& study);

// One study of several whose numbers compare and that wish for the same; their files are copied.
void merge_studies(const std::vector<std::filesystem::path>& studies,
                   const std::filesystem::path& into);

// What is wrong with a study (search/store/care.h), its genotypes, and files that it names and that
// are not there; a line each.
std::vector<std::string> check_study(const std::filesystem::path& study);

}  // namespace hwnas
