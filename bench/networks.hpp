// The networks whose shapes are timed, and the families of ops.
#pragma once

#include <string>
#include <vector>

#include "bench/harness.hpp"
#include "model/network.hpp"

namespace abr::bench {

// A network at a batch size.
struct Setting {
    NetworkShape shape;
    Index batch = 1;
    std::string name;  // <network>/B<batch>

    Index length(Index level) const { return shape.padded_length() >> level; }
    Index channels(Index level) const { return shape.channels(level); }
    Index tokens() const { return length(shape.levels - 1); }  // of the bottleneck
    Index width() const { return channels(shape.levels - 1); }
    // Both pools and the embedding of the static inputs side by side.
    Index joined_width() const { return width() + shape.base_channels + shape.embed_dim; }
};

// quickstart (base 16) at batch 32 and 64, production (base 64) at batch 32; with large batches both at 512 too.
enum class Batches { usual, and_large };
std::vector<Setting> settings(Batches batches = Batches::usual);

// One for each header of kernels/.
void add_activation_cases(Suite&);
void add_attention_cases(Suite&);
void add_attention_pool_cases(Suite&);
void add_pointing_cases(Suite&);
void add_batch_cases(Suite&);
void add_conv1d_cases(Suite&);
void add_evaluation_cases(Suite&);
void add_linear_cases(Suite&);
void add_loss_cases(Suite&);
void add_norm_cases(Suite&);
void add_optimizer_cases(Suite&);
void add_sequence_ops_cases(Suite&);
// All of them.
Suite every_case();

}  // namespace abr::bench
