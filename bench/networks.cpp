#include "bench/networks.hpp"

namespace abr::bench {

std::vector<Setting> settings(Batches batches) {
    const NetworkShape quickstart;
    NetworkShape production;
    production.base_channels = 64;
    std::vector<Setting> all = {{quickstart, 32, "quickstart/B32"},
                                {quickstart, 64, "quickstart/B64"},
                                {production, 32, "production/B32"}};
    if (batches == Batches::and_large) {
        all.push_back({quickstart, 512, "quickstart/B512"});
        all.push_back({production, 512, "production/B512"});
    }
    return all;
}

Suite every_case() {
    Suite suite;
    add_conv1d_cases(suite);
    add_linear_cases(suite);
    add_norm_cases(suite);
    add_activation_cases(suite);
    add_attention_cases(suite);
    add_attention_pool_cases(suite);
    add_pointing_cases(suite);
    add_sequence_ops_cases(suite);
    add_batch_cases(suite);
    add_loss_cases(suite);
    add_evaluation_cases(suite);
    add_optimizer_cases(suite);
    return suite;
}

}  // namespace abr::bench
