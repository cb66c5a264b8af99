// Keys of [logging] and [diagnostics].
#include <algorithm>

#include "engine/keys/key_members.hpp"
#include "engine/rules/rules.hpp"

namespace abr {

void add_logging_keys(std::vector<Key>& keys) {
    keys.insert(keys.end(), {{.path = "logging.steps_every",
                              .field = at<&Config::logging, &LoggingConfig::steps_every>,
                              .range = {1, 1000000},
                              .unit = "steps",
                              .meaning = "every so many optimiser steps go to `steps.csv`"},
                             {.path = "logging.report_every",
                              .field = at<&Config::logging, &LoggingConfig::report_every>,
                              .range = {1, kManyEpochs},
                              .unit = "epochs",
                              .meaning = "how often the classification report is shown"},
                             {.path = "logging.variance_every",
                              .field = at<&Config::logging, &LoggingConfig::variance_every>,
                              .range = {1, kManyEpochs},
                              .unit = "epochs",
                              .meaning = "how often the variance of the losses is shown"},
                             {.path = "logging.tensorboard",
                              .field = at<&Config::logging, &LoggingConfig::tensorboard>,
                              .meaning = "event files for TensorBoard in `tensorboard/`"}});
}

void add_diagnostics_keys(std::vector<Key>& keys) {
    keys.push_back({.path = "diagnostics.enabled",
                    .field = at<&Config::diagnostics, &DiagnosticsConfig::enabled>,
                    .meaning = "judge the run after every epoch, docs/diagnostics.md"});
    for (const Rule& rule : diagnostic_rules()) {
        for (const RuleSetting& setting : rule.settings) {
            const std::string path = setting_key(rule, setting);
            keys.push_back(
                {.path = path,
                 .field = RuleSettingField{path, setting.value, setting.is_count},
                 .range = {setting.is_count ? std::max(1.0, setting.low) : setting.low, setting.high},
                 .meaning = std::string(setting.meaning)});
        }
    }
}

}  // namespace abr
