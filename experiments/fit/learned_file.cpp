#include "experiments/fit/learned_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <sstream>

#include "space/layer_counts.h"

namespace hwnas {
namespace {

// Always with what makes it no integer in TOML.
std::string as_float(std::string text) {
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string exact(double value) {
  std::array<char, 40> text{};
  char* const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return as_float(std::string(text.data(), end));
}

std::string weight(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.10g", value);
  return as_float(text.data());
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

void write_list(std::ostream& out, const char* key, const std::vector<std::string>& items) {
  out << key << " = [";
  std::size_t width = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    out << (i > 0 ? ", " : "");
    if (width > 110) {
      out << "\n  ";
      width = 0;
    }
    out << items[i];
    width += items[i].size() + 2;
  }
  out << "]\n";
}

bool any(const std::vector<double>& numbers) {
  return std::any_of(numbers.begin(), numbers.end(), [](double n) { return n != 0; });
}

void write_coordinate(std::ostream& out, const Coordinate& c) {
  out << "constant = " << weight(c.constant) << '\n';
  for (const auto& [key, numbers] : {std::pair{"options", &c.options}, std::pair{"pairs", &c.pairs},
                                     std::pair{"counts", &c.counts}}) {
    if (!any(*numbers)) continue;
    std::vector<std::string> items;
    for (const double n : *numbers) items.push_back(weight(n));
    write_list(out, key, items);
  }
}

void write_citation(std::ostream& out, const LearnedFile& file) {
  out << "source = " << quoted(file.source) << "\ndate = " << quoted(file.date) << '\n';
}

void write_model(std::ostream& out, const std::string& section, const LearnedFile& file,
                 const DeviceModel& model, const std::vector<Genotype>& samples) {
  out << "\n# values: " << (file.prior ? "measured over estimated by the prior" : "measured, SI")
      << "; hw_models/families/learned.md says what the rest means\n[" << section << "]\n";
  write_citation(out, file);
  out << "logarithm = " << (model.logarithm ? "true" : "false")
      << "\ncentre = " << exact(model.centre) << "\nlowest = " << exact(model.lowest)
      << "\nscale = " << exact(model.scale) << "\nsame = " << exact(model.same)
      << "\nalike = " << exact(model.alike) << "\nlevel = " << exact(model.level)
      << "\nnoise = " << exact(model.noise) << '\n';
  std::vector<std::string> texts, values, names;
  for (std::size_t i = 0; i < model.samples.size(); ++i) {
    texts.push_back('"' + to_text(samples[i]) + '"');
    values.push_back(exact(model.values[i]));
  }
  write_list(out, "architectures", texts);
  write_list(out, "values", values);
  for (const std::string& name : layer_count_names()) names.push_back(quoted(name));
  write_list(out, "counts", names);
  if (model.line_share > 0) {
    out << "\n[" << section << ".line]\nshare = " << exact(model.line_share) << '\n';
    write_coordinate(out, model.line);
  }
  for (const Coordinate& c : model.coordinates) {
    out << "\n[[" << section << ".coordinates]]\nname = " << quoted(c.name) << '\n';
    write_coordinate(out, c);
  }
}

}  // namespace

std::string learned_text(const LearnedFile& file, const DeviceModel& model,
                         const std::vector<Genotype>& samples) {
  std::ostringstream out;
  out << "description = " << quoted(file.description)
      << "\nfamily = \"learned\"\nconfidence = \"A\"\n\n[learned]\nspace = " << quoted(file.space)
      << '\n';
  write_citation(out, file);
  if (file.prior) {
    out << "\n[prior]\ndevice = " << quoted(file.prior->name) << '\n';
    write_citation(out, file);
    out << "text = '''\n" << file.prior->text << "'''\n";
  }
  write_model(out, file.metric == Metric::latency ? "latency" : "energy", file, model, samples);
  return out.str();
}

}  // namespace hwnas
