// The CSV files of a run that grow while it trains: steps.csv, epochs.csv, classification_report.csv and
// confusion_matrix.csv.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/output/csv.hpp"
#include "engine/records/epoch_record.hpp"
#include "engine/records/run_folder.hpp"
#include "kernels/optimizer.hpp"
#include "metrics/classification.hpp"

namespace abr {

// What of an earlier part of the run stays: rows of epochs before `epochs` and of steps before `steps`.
struct ResumePoint {
    std::int64_t epochs = 0;  // completed epochs of the checkpoint
    std::int64_t steps = 0;   // optimiser steps done
};

class RunLog {
  public:
    // Begins the files; with a resume point, cuts those that are there to it instead (also drops the rows of
    // the test split, which are written when a run ends).
    RunLog(const RunFolder&, std::vector<std::string> class_names, const RunColumns& columns,
           const ResumePoint& resume = {});

    void step(std::int64_t epoch, const StepRecord&);
    void epoch(const EpochRecord&);
    // Rows of both classification files; nothing where the split has no labelled recording. split: "val",
    // "test".
    void classification(std::int64_t epoch, std::string_view split, const ConfusionMatrix&);
    void flush();

  private:
    std::vector<std::string> class_names_;
    RunColumns columns_;
    CsvWriter steps_, epochs_, report_, confusion_;
};

}  // namespace abr
