// The profile of a learner: every op in its phase, and together the time of the steps.
#include "kernels/profile.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "tests/model/small_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

using Names = std::set<std::string, std::less<>>;

Names ops_of(const Profile& profile, StepPhase phase) {
    Names names;
    for (const auto& op : profile.ops())
        if (op.phases[static_cast<std::size_t>(phase)].calls > 0) names.emplace(op.name);
    return names;
}

double seconds_of(const Profile& profile) {
    double seconds = 0;
    for (const auto& op : profile.ops())
        for (const auto& cost : op.phases) seconds += cost.seconds;
    return seconds;
}

const Names kForward = {"add",
                        "add_positions",
                        "attention_forward",
                        "gelu_forward",
                        "concat_channels",
                        "attention_pool_forward",
                        "conv1d_forward",
                        "linear_forward",
                        "conv_transpose1d_forward",
                        "group_norm_forward",
                        "layer_norm_forward",
                        "pointing_forward"};
const Names kBackward = {"attention_backward",
                         "attention_pool_backward",
                         "conv1d_backward_data",
                         "conv1d_backward_weight",
                         "conv_transpose1d_backward_data",
                         "conv_transpose1d_backward_weight",
                         "copy",
                         "gelu_backward",
                         "group_norm_backward",
                         "layer_norm_backward",
                         "linear_backward_data",
                         "linear_backward_weight",
                         "pointing_backward",
                         "split_channels"};

}  // namespace

TEST_CASE("a profile holds every op of a step and of an evaluation, in its phase") {
    const SmallRecordings data(24, 37);
    const auto order = data.order();
    const auto learner = make_cpu_learner(small_settings(6, 2), data.view(), 1);
    learner->begin_epoch(0, order, kAllWeights);
    learner->train_step(0, 0, 12, 1e-3);  // not measured

    Profile profile;
    learner->set_profile(&profile);
    learner->train_step(1, 12, 12, 1e-3);
    CHECK(ops_of(profile, StepPhase::gather) == Names{"gather_batch", "write_step_state"});
    CHECK(ops_of(profile, StepPhase::forward) == kForward);
    CHECK(ops_of(profile, StepPhase::loss) == Names{"loss_denominators", "multi_task_loss"});
    CHECK(ops_of(profile, StepPhase::backward) == kBackward);
    CHECK(ops_of(profile, StepPhase::optimizer) == Names{"optimizer_step"});
    CHECK(ops_of(profile, StepPhase::evaluation).empty());
    std::map<std::string, std::int64_t, std::less<>> calls;
    for (const auto& op : profile.ops())
        for (const auto& cost : op.phases) calls[std::string(op.name)] += cost.calls;
    CHECK(calls["gather_batch"] == 1);
    CHECK(calls["multi_task_loss"] == 2);        // a micro-batch each
    CHECK(calls["attention_forward"] == 2 * 2);  // and a layer each

    learner->evaluate(data.view());
    Names evaluation = kForward;
    evaluation.insert({"write_step_state", "gather_batch", "loss_denominators", "multi_task_loss",
                       "accumulate_evaluation"});
    CHECK(ops_of(profile, StepPhase::evaluation) == evaluation);

    learner->set_profile(nullptr);
    const double seconds = seconds_of(profile);
    learner->evaluate(data.view());
    CHECK(seconds_of(profile) == seconds);
    CHECK(profile.ops().size() <= kProfiledOps);
}

TEST_CASE("a profile's ops take the time of the steps") {
    using Clock = std::chrono::steady_clock;
    const SmallRecordings data(64, 37);
    const auto order = data.order();
    const auto learner = make_cpu_learner(small_settings(16, 2), data.view(), 1);
    learner->begin_epoch(0, order, kAllWeights);
    // The system may put the thread aside between two ops of one try, not in each of them.
    double best = 0;
    for (int attempt = 0; attempt < 10 && best < 0.85; ++attempt) {
        Profile profile;
        learner->set_profile(&profile);
        const auto start = Clock::now();
        for (int step = 0; step < 4; ++step) {
            learner->begin_epoch(0, order, kAllWeights);
            learner->train_step(step, 0, 32, 1e-3);
        }
        const double wall = std::chrono::duration<double>(Clock::now() - start).count();
        const double noted = seconds_of(profile);
        CHECK(noted <= wall);
        best = std::max(best, noted / wall);
    }
    CHECK(best >= 0.85);
}

TEST_CASE("an op that another one calls is a part of it") {
    Profile profile;
    profile.enter(StepPhase::backward);
    {
        const ProfileScope outer(&profile, "outer");
        const ProfileScope inner(&profile, "inner");
    }
    { const ProfileScope off(nullptr, "off"); }
    REQUIRE(profile.ops().size() == 1);
    CHECK(profile.ops()[0].name == "outer");
    CHECK(profile.ops()[0].phases[static_cast<std::size_t>(StepPhase::backward)].calls == 1);
}
