// Deployment: how a network is run, whatever the device.
#pragma once

namespace hwnas {

struct Deployment {
  int batch = 1;             // inputs processed together
  double clock_share = 1.0;  // DVFS operating point: clock over the device's highest, (0, 1]

  friend bool operator==(const Deployment&, const Deployment&) = default;
};

}  // namespace hwnas
