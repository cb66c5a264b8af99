// The network's shape in a checkpoint: the metadata `model`.
#pragma once

#include <string>

#include "engine/output/json.hpp"
#include "model/network.hpp"

namespace abr {

// What the data decide of it, every setting that is not of training alone, and `built`: which heads exist.
Json to_json(const NetworkShape&);

// The network of `model`, a JSON object in `file`, written by that version of the engine. Throws InputError
// for values that no configuration allows, so that a header that lies about sizes is found before anything is
// computed from them; for a setting that is not known here; and for what is missing, save settings: such a
// file was written before there was that setting, and its network is that of the default.
NetworkShape network_from_json(const Json& model, const std::string& file, const std::string& engine_version);

}  // namespace abr
