// Run folders made of text, for the tests of the diagnostics: a healthy run, changed cell by cell.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/diagnostics/diagnose.hpp"
#include "engine/keys/read_run.hpp"
#include "kernels/components.hpp"
#include "tests/engine/output_files.hpp"

namespace abr::test {

class SyntheticRun {
  public:
    // A run on which no rule has anything to say but HEALTHY.
    explicit SyntheticRun(std::size_t number_of_epochs) : epochs(number_of_epochs) {
        const auto falling = [](double from) {
            return [from](double e) { return from * std::pow(0.96, e); };
        };
        set("epoch", [](double e) { return e; });
        set("learning_rate", 1e-3);
        set("seconds", 1);
        for (const Component component : kAllComponents) {
            if (!is_task(component)) continue;  // a further loss that is off has no columns
            const std::string c(task_of(component).name);
            set("weight_" + c, 1);
            set("train_loss_" + c, falling(1));
            set("train_loss_" + c + "_std", falling(0.1));
            set("train_share_" + c, 1.0 / 6);
            set("val_loss_" + c, falling(1.1));
        }
        set("train_loss_total", falling(6));
        set("grad_norm_mean", 1);
        set("grad_norm_std", 0.3);
        set("grad_norm_max", 2);
        set("val_loss_total", falling(6.6));
        set("val_f1_macro", [](double e) { return std::min(0.9, 0.3 + 0.02 * e); });
        set("val_f1_macro_majority", 0.18);
        for (std::size_t e = 0; e < epochs; ++e)
            for (int s = 0; s < 20; ++s) step_losses.push_back(1);
        for (std::size_t e = 0; e < epochs; ++e) predicted_b.push_back(10);
        split = "patient_id,class,recordings,split\n";
        for (int p = 0; p < 60; ++p)
            split += fmt::format("P{},{},2,{}\n", p, p % 2 ? "A" : "B",
                                 p < 40   ? "train"
                                 : p < 50 ? "val"
                                          : "test");
        predictions = "recording,patient_id,class_true,class_predicted\n";
        for (int p = 40; p < 50; ++p) {
            const char* name = p % 2 ? "A" : "B";
            predictions += fmt::format("{},P{},{},{}\n", 2 * p, p, name, name);
            predictions += fmt::format("{},P{},{},{}\n", 2 * p + 1, p, name, p % 3 ? name : "A");
        }
    }

    void set(const std::string& column, const std::function<double(double)>& value) {
        if (!cells.contains(column)) order.push_back(column);
        auto& values = cells[column];
        values.clear();
        for (std::size_t e = 0; e < epochs; ++e)
            values.push_back(fmt::format("{}", value(static_cast<double>(e))));
    }
    void set(const std::string& column, double value) {
        set(column, [value](double) { return value; });
    }
    void set(const std::string& column, std::size_t row, const std::string& cell) {
        cells.at(column).at(row) = cell;
    }
    void set(const std::string& column, std::size_t row, double value) {
        set(column, row, fmt::format("{}", value));
    }
    void remove(const std::string& column) { std::erase(order, column); }

    std::string epochs_csv(const char* separator = ",") const {
        std::string text;
        for (std::size_t c = 0; c < order.size(); ++c) text += (c ? separator : "") + order[c];
        for (std::size_t e = 0; e < epochs; ++e) {
            text += "\n";
            for (std::size_t c = 0; c < order.size(); ++c)
                text += (c ? separator : "") + cells.at(order[c])[e];
        }
        return text + "\n";
    }
    std::string steps_csv() const {
        std::string text = "epoch,step,learning_rate,grad_norm,loss_total";
        for (const Component c : kAllComponents)
            if (is_task(c)) text += fmt::format(",loss_{}", task_of(c).name);
        const std::size_t per_epoch = step_losses.size() / epochs;
        for (std::size_t s = 0; s < step_losses.size(); ++s) {
            const std::string signal = bad_step == static_cast<int>(s) ? "nan" : "0.1";
            text += fmt::format("\n{},{},0.001,1,{},{}", s / per_epoch, s, step_losses[s], signal);
            for (std::size_t c = 1; c < kTaskCount; ++c) text += ",0.1";
        }
        return text + "\n";
    }
    std::string report_csv() const {
        std::string text = "epoch,split,class,precision,recall,f1,support,predicted\n";
        for (std::size_t e = 0; e < epochs; ++e) {
            text +=
                fmt::format("{},val,A,1,1,1,10,10\n{},val,B,1,1,1,{},{}\n", e, e, support_b, predicted_b[e]);
        }
        return text;
    }

    void write(const std::filesystem::path& folder) const {
        put(folder / "config.toml", config);
        put(folder / "epochs.csv", epochs_csv());
        put(folder / "steps.csv", steps_csv());
        put(folder / "classification_report.csv", report_csv());
        put(folder / "split.csv", split);
        put(folder / "predictions_val.csv", predictions);
        put(folder / "data_report.json", data_report);
    }
    Diagnosis diagnosis() const {
        const TemporaryFolder folder;
        write(folder.path);
        return diagnose(read_run(folder.path));
    }

    std::size_t epochs;
    std::vector<std::string> order;                         // columns of epochs.csv
    std::map<std::string, std::vector<std::string>> cells;  // column -> rows
    std::vector<double> step_losses;                        // loss_total of every step
    int bad_step = -1;                                      // whose signal loss is NaN
    int support_b = 10;
    std::vector<int> predicted_b;  // recordings answered with class B, by epoch
    std::string config = "[training]\nepochs = 100\n";
    std::string split, predictions;
    std::string data_report =
        R"({"absent_metrics": {}, "classes": {"A": {"train": {"recordings": 900, "patients": 30}},)"
        R"( "B": {"train": {"recordings": 9, "patients": 3}}}})";
};

inline const Finding* find(const Diagnosis& diagnosis, const std::string& rule) {
    const auto found = std::ranges::find(diagnosis.findings, rule, &Finding::rule);
    return found == diagnosis.findings.end() ? nullptr : &*found;
}

inline std::string not_judged(const Diagnosis& diagnosis, const std::string& rule) {
    const auto found = std::ranges::find(diagnosis.not_judged, rule, &NotJudgedRule::rule);
    return found == diagnosis.not_judged.end() ? "" : found->because;
}

}  // namespace abr::test
