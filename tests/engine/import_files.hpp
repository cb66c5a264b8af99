// Files in the layouts that import reads, made from samples.
#pragma once

#include <fmt/format.h>
#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace abr::test {

// One average of an IHS SmartEP file; every sample is a multiple of 0.0001 uV.
struct IhsAverage {
    std::string identifier = "ID-1", name = "WF.1", ear = "R", level = "60", sweeps = "1000", artifacts = "3";
    std::string frequency = "0", period_us = "50.00", zero = "3";
    std::vector<double> average{}, first_half{}, second_half{};
};

inline std::string ihs_file(const std::vector<IhsAverage>& averages, bool halves = true) {
    const int columns = halves ? 6 : 2;
    std::string text;
    const auto line = [&](const char* name, auto value) {
        text += name;
        for (const IhsAverage& average : averages)
            text += "," + value(average) + std::string(columns - 1, ',');
        text += "\n";
    };
    line("Identifier:", [](const IhsAverage& a) { return a.identifier; });
    line("File Name:", [](const IhsAverage& a) { return a.name; });
    line("Ear:", [](const IhsAverage& a) { return a.ear; });
    line("Channel:", [](const IhsAverage&) { return std::string("1"); });
    line("Intensity:", [](const IhsAverage& a) { return a.level; });
    line("Stim. Rate:", [](const IhsAverage&) { return std::string(" 37.10"); });
    line("Sweeps:", [](const IhsAverage& a) { return a.sweeps; });
    line("Artifacts:", [](const IhsAverage& a) { return a.artifacts; });
    line("Smp. Period:", [](const IhsAverage& a) { return a.period_us; });
    line("Stim. Freq.", [](const IhsAverage& a) { return a.frequency; });
    line("Zero Position:", [](const IhsAverage& a) { return a.zero; });
    text += "Data Pnt:";
    for (std::size_t i = 0; i < averages.size(); ++i)
        text += std::string(",Average:,Average(uV):") +
                (halves ? ",Buffer1:,Buffer1(uV):,Buffer2:,Buffer2(uV):" : "");
    text += "\n";
    for (std::size_t k = 0; k < averages.front().average.size(); ++k) {
        text += fmt::format("{:4}", k + 1);
        for (const IhsAverage& a : averages) {
            text += fmt::format(",{:8},{:10.4f}", 7, a.average[k]);
            if (halves)
                text += fmt::format(",{:8},{:10.4f},{:8},{:10.4f}", 7, a.first_half[k], 7, a.second_half[k]);
        }
        text += "\n";
    }
    return text;
}

// A record of a BioSig text file, samples in volts; without a frequency a click.
struct BiosigRecord {
    int number = 0;
    double level = 90, duration_ms = 0.2;
    std::string frequency = "16000", onset = "0";
    std::vector<std::string> samples{};
};

inline std::string biosig_group(const std::string& subject, const std::string& stimulus,
                                const std::vector<BiosigRecord>& records, const std::string& announced) {
    std::string text =
        "ABR Group Header  ==================================\n    Group Number: 0\n         Records: " +
        announced + "\n  SigGen File #1: " + stimulus + "\n  SigGen File #2: \n      Subject ID: " + subject +
        "\n            Memo: 17.0g\n      Start Time: Mon Dec 24 13:38\n" + std::string(52, '-') + "\n";
    for (const BiosigRecord& record : records) {
        text += fmt::format(
            "\n   Record Number: {}\n   Aqu. Duration: {} ms\n     Onset Delay: {} ms\n      No. Points: {}\n"
            "    No. Averages: 512\n   No. Artifacts: 4\n      Start Time: Mon Dec 24 13:38\n\n    SigGen "
            "Index: 58\n"
            "       Variables: \n",
            record.number, record.duration_ms, record.onset, record.samples.size());
        if (!record.frequency.empty()) text += "                  Freq = " + record.frequency + " Hz\n";
        text +=
            fmt::format("                  Level = {} dB\n                  Phase = 90 deg\n", record.level);
        for (const std::string& sample : record.samples) text += sample + "\n";
    }
    return text;
}

// A level series of the EPL; `rows[k]` has a number for each level.
inline std::string epl_file(const std::string& levels, const std::vector<std::vector<double>>& rows,
                            const std::string& frequency = "16.00") {
    std::string text =
        ":RUN-3\tLEVEL SWEEP\tTEMP:207.44\t4/6/2007\t8:03 AM\t-3852.21HR:\t\r:SW EAR: R\tSW FREQ: " +
        frequency +
        "\t# AVERAGES: 512\tREP RATE (/sec): 40\tDRIVER: Starship\tSAMPLE (\xB5sec): 10\t\r:NOTES-\r"
        ":CHAMBER-412\r:LEVELS:" +
        levels + "\r:DATA\r";
    for (const auto& row : rows) {
        for (std::size_t c = 0; c < row.size(); ++c)
            text += fmt::format("{}{:10.6f}", c == 0 ? "" : "\t", row[c]);
        text += "\r\n";
    }
    return text;
}

// A TDT .arf file of one group, with times of `time_bytes`.
struct ArfRecord {
    double level = 90, frequency = 8000, period_us = 40.96;
    std::vector<float> samples{};  // volts
};

inline std::string arf_file(const std::string& subject, const std::vector<ArfRecord>& records,
                            std::size_t time_bytes) {
    std::string bytes;
    const auto put = [&](auto value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
    const auto text = [&](std::string value, std::size_t size) {
        value.resize(size, '\0');
        bytes += value;
    };
    constexpr std::int32_t kHeader = 6 + 4 * 200 + 4 * 2000 + 4;
    put(std::int16_t{0});
    put(std::int16_t{1});
    put(static_cast<std::int16_t>(records.size()));
    put(kHeader);
    text("", 4 * 199 + 4 * 2000 + 4);
    put(std::int16_t{0});
    put(std::int16_t{0});
    put(static_cast<std::int16_t>(records.size()));
    text(subject, 16);
    text("", 16 + 16 + 50);
    text("\x10\x20\x30\x40", time_bytes);
    text("\x11\x20\x30\x40", time_bytes);
    text("TonePip", 100);
    text("", 100);
    text("Freq", 15);
    text("Level", 15);
    text("", 8 * 15 + 10 * 5);
    put(40.96f);
    text("", 4 + 2 + 4 + 92);
    std::int16_t number = 0;
    for (const ArfRecord& record : records) {
        put(number++);
        put(std::int16_t{0});
        text("\x10\x20\x30\x40", time_bytes);
        put(std::int16_t{0});
        put(std::int16_t{5});
        put(std::uint8_t{1});
        put(std::uint8_t{0});
        put(static_cast<std::uint16_t>(record.samples.size()));
        put(0.0f);
        put(static_cast<float>(static_cast<double>(record.samples.size()) * record.period_us / 1000));
        put(static_cast<float>(record.period_us));
        text("", 4 + 4 + 2);
        put(std::int16_t{512});
        put(std::int16_t{2});
        text("", 2 * time_bytes);
        put(static_cast<float>(record.frequency));
        put(static_cast<float>(record.level));
        text("", 8 * 4 + 10 * 36);
        for (const float sample : record.samples) put(sample);
    }
    return bytes;
}

// One signal of an EDF or BDF file, with its digital values; those of annotations as text.
struct EdfSignal {
    std::string label, unit = "uV", physical_minimum = "-100", physical_maximum = "100",
                       digital_minimum = "-1000", digital_maximum = "1000";
    std::vector<int> samples{};  // a whole number of records
    std::string annotations{};   // of the only record
};

// `records` of a second each; a signal's samples are spread over them.
inline std::string edf_file(const std::vector<EdfSignal>& signals, int records, bool bdf = false,
                            const std::string& kind = "",
                            const std::string& patient = "MCH-0234567 F 02-MAY-1951 X") {
    const std::size_t bytes = bdf ? 3 : 2;
    const auto field = [](std::string text, std::size_t size) {
        text.resize(size, ' ');
        return text;
    };
    std::string file = bdf ? "\xFF"
                             "BIOSEMI"
                           : field("0", 8);
    file += field(patient, 80) + field("Startdate X", 80) + field("01.01.20", 8) + field("10.00.00", 8) +
            field(std::to_string(256 * (1 + signals.size())), 8) + field(kind, 44) +
            field(std::to_string(records), 8) + field("1", 8) + field(std::to_string(signals.size()), 4);
    const auto each = [&](std::size_t size, const auto& text) {
        for (const EdfSignal& signal : signals) file += field(text(signal), size);
    };
    const auto samples = [&](const EdfSignal& signal) {
        return signal.annotations.empty() ? signal.samples.size() / static_cast<std::size_t>(records)
                                          : (signal.annotations.size() + bytes - 1) / bytes;
    };
    each(16, [](const EdfSignal& s) { return s.label; });
    each(80, [](const EdfSignal&) { return std::string("AgAgCl"); });
    each(8, [](const EdfSignal& s) { return s.unit; });
    each(8, [](const EdfSignal& s) { return s.physical_minimum; });
    each(8, [](const EdfSignal& s) { return s.physical_maximum; });
    each(8, [](const EdfSignal& s) { return s.digital_minimum; });
    each(8, [](const EdfSignal& s) { return s.digital_maximum; });
    each(80, [](const EdfSignal&) { return std::string("HP:100Hz"); });
    each(8, [&](const EdfSignal& s) { return std::to_string(samples(s)); });
    each(32, [](const EdfSignal&) { return std::string(); });
    for (int r = 0; r < records; ++r) {
        for (const EdfSignal& signal : signals) {
            const std::size_t count = samples(signal);
            if (!signal.annotations.empty()) {
                std::string text = r == 0 ? signal.annotations : std::string();
                text.resize(count * bytes, '\0');
                file += text;
                continue;
            }
            for (std::size_t k = 0; k < count; ++k) {
                const int value = signal.samples[static_cast<std::size_t>(r) * count + k];
                file.append(reinterpret_cast<const char*>(&value), bytes);
            }
        }
    }
    return file;
}

// A variable of a MAT-file of level 5, by columns.
inline std::string mat_element(std::uint32_t type, std::string data) {
    const auto size = static_cast<std::uint32_t>(data.size());
    std::string bytes(reinterpret_cast<const char*>(&type), 4);
    bytes.append(reinterpret_cast<const char*>(&size), 4);
    data.resize((data.size() + 7) / 8 * 8, '\0');
    return bytes + data;
}

inline std::string mat_matrix(const std::string& name, std::uint32_t array_class,
                              const std::vector<std::int32_t>& shape, const std::string& elements) {
    const std::uint32_t flags[] = {array_class, 0};
    const std::string small_name =
        std::string(1, '\x01') + '\0' + static_cast<char>(name.size()) + '\0' + name;
    std::string header = mat_element(6, {reinterpret_cast<const char*>(flags), 8}) +
                         mat_element(5, {reinterpret_cast<const char*>(shape.data()), 4 * shape.size()});
    header += name.size() <= 4 && !name.empty() ? small_name + std::string(4 - name.size(), '\0')
                                                : mat_element(1, name);
    return mat_element(14, header + elements);
}

inline std::string mat_numbers(const std::string& name, std::int32_t rows, std::int32_t columns,
                               const std::vector<double>& values) {
    return mat_matrix(name, 6, {rows, columns},
                      mat_element(9, {reinterpret_cast<const char*>(values.data()), 8 * values.size()}));
}

inline std::string mat_text(const std::string& name, const std::u16string& text) {
    return mat_matrix(name, 4, {text.empty() ? 0 : 1, static_cast<std::int32_t>(text.size())},
                      mat_element(4, {reinterpret_cast<const char*>(text.data()), 2 * text.size()}));
}

inline std::string mat_cells(const std::string& name, const std::vector<std::string>& cells) {
    std::string elements;
    for (const std::string& cell : cells) elements += cell;
    return mat_matrix(name, 1, {static_cast<std::int32_t>(cells.size()), 1}, elements);
}

inline std::string mat_compressed(const std::string& matrix) {
    uLongf size = compressBound(matrix.size());
    std::string data(size, '\0');
    compress(reinterpret_cast<Bytef*>(data.data()), &size, reinterpret_cast<const Bytef*>(matrix.data()),
             matrix.size());
    const std::uint32_t tag[] = {15, static_cast<std::uint32_t>(size)};
    return std::string(reinterpret_cast<const char*>(tag), 8) + data.substr(0, size);
}

inline std::string mat_file(const std::string& variables) {
    std::string header = "MATLAB 5.0 MAT-file, Platform: GLNXA64";
    header.resize(124, ' ');
    return header + std::string("\x00\x01IM", 4) + variables;
}

}  // namespace abr::test
