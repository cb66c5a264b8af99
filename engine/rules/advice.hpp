// Numbers that several rules advise, derived from a run's own.
#pragma once

#include "engine/rules/epoch_columns.hpp"
#include "engine/rules/rule.hpp"

namespace abr {

// The components whose weight is above 0 in a row.
std::vector<Component> components_on(const EpochColumns&, std::size_t row);

// Mean share of a component in the total training loss over these rows.
double mean_share(const EpochColumns&, Component, Rows);

// The factor on a component's weight after which its share of the total is `target`, the others unchanged.
double factor_to_share(double share, double target);

// Advises a component's weight times `factor`; rounded to two digits.
void advise_weight(const RuleCase&, Finding&, const EpochColumns&, Component, double factor);

// Advises the weight of the classification that gives it a balanced share, 1 / components, and at least `lowest`.
// At most 20 times the present weight: the share answers to the weight, and the loss to the share.
void advise_classification_weight(const RuleCase&, Finding&, const EpochColumns&, double lowest = 0);

// Advises the rate times `factor`, not above the default configuration's.
void advise_rate(const RuleCase&, Finding&, double factor);

// Advises that the classification counts from the first epoch.
void advise_start(const RuleCase&, Finding&);

// Advises class weights, or stronger ones: balanced with the power at which the rarest class weighs ten times
// the most frequent one; a power of 1 where that is in use already, then the balanced sampler.
void advise_class_weights(const RuleCase&, Finding&);

}  // namespace abr
