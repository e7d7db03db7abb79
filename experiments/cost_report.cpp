#include "experiments/cost_report.h"

#include <algorithm>
#include <cstdio>
#include <ostream>

#include "experiments/table.h"
#include "space/units.h"

namespace hwnas {

void print_layers(std::ostream& out, const Network& network, const Cost& cost, std::size_t most) {
  if (cost.layers.empty()) {
    out << "known of the whole network only\n";
    return;
  }
  std::vector<LayerCost> rows = cost.layers;
  std::stable_sort(rows.begin(), rows.end(), [](const LayerCost& a, const LayerCost& b) {
    return a.latency_s > b.latency_s;
  });
  if (rows.size() > most) rows.resize(most);
  Table table;
  table.column("layer", Table::Align::left);
  table.column("output");
  table.column("MACs");
  table.column("latency");
  table.column("share");
  table.column("energy");
  table.column("live");
  table.column("bound", Table::Align::left);
  for (const LayerCost& row : rows) {
    const Layer& layer = network.layer(row.layer);
    char share[16];
    std::snprintf(share, sizeof share, "%.1f %%", 100 * row.latency_s / cost.latency_s);
    table.row({layer.name, to_text(layer.out),
               format_quantity(static_cast<double>(row.macs), Unit::count),
               format_quantity(row.latency_s, Unit::second), share,
               format_quantity(row.energy_j, Unit::joule),
               format_quantity(static_cast<double>(row.live_bytes), Unit::byte),
               std::string(to_string(row.bound))});
  }
  out << table;
}

}  // namespace hwnas
