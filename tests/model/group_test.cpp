// What a step sums over the group that takes it.
#include "model/group.hpp"

#include <doctest/doctest.h>

#include "kernels/cpu/buffer.hpp"
#include "kernels/cpu/stream.hpp"
#include "model/backend_learner.hpp"
#include "model/backend_learner_evaluation.hpp"
#include "model/backend_learner_trace.hpp"
#include "tests/model/small_problem.hpp"

using namespace abr;
using namespace abr::test;

namespace {

// Two members with the same recordings: every sum is twice what one has, exactly.
class Twins {
  public:
    template <class T>
    void sum(cpu::Stream&, T* values, Index count) const {
        for (Index i = 0; i < count; ++i) values[i] *= 2;
    }
};

template <class Members>
using LearnerOf = BackendLearner<cpu::Stream, cpu::Buffer, Members>;

void take_two_steps(Learner& learner, const SmallRecordings& data) {
    learner.begin_epoch(0, data.order(), kAllWeights);
    learner.train_step(0, 0, 12, 1e-3);
    learner.train_step(1, 12, 12, 1e-3);
}

}  // namespace

TEST_CASE("group: two processes with the same recordings take the step of one, to the bit") {
    const SmallRecordings data(24, 37);
    LearnerOf<Group> one(small_settings(6, 2), data.view(), 1);
    LearnerOf<Twins> two(small_settings(6, 2), data.view(), 1);
    for (Learner* learner : {static_cast<Learner*>(&one), static_cast<Learner*>(&two)})
        take_two_steps(*learner, data);
    const LearnerState expected = one.state(), found = two.state();
    CHECK(found.value == expected.value);
    CHECK(found.first_moment == expected.first_moment);
    CHECK(found.second_moment == expected.second_moment);
    for (std::size_t step = 0; step < 2; ++step) {
        CHECK(two.steps()[step].loss == one.steps()[step].loss);
        CHECK(two.steps()[step].grad_norm == one.steps()[step].grad_norm);
    }
}
