// The two loops through which most of a CSV file goes, against simple ones, at every SIMD level.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "engine/input/cell_number.hpp"
#include "engine/input/csv_cell_ends.hpp"
#include "engine/input/csv_decimals.hpp"
#include "kernels/philox.hpp"
#include "tests/kernels/simd_levels.hpp"

namespace abr::csv_test {
namespace {

// Whether `text` is read; what is read must have the bits of the general way.
bool is_read(const std::string& text, char decimal = '.') {
    const std::string cell = "before,90123456," + text;
    const char* const end = cell.data() + cell.size();
    float fast = 0, general = 0;
    if (read_decimals(cell.data(), end - text.size(), &end, 1, decimal, &fast) == 0) return false;
    CAPTURE(text);
    REQUIRE(parse_number(text, decimal, general));
    CHECK(std::bit_cast<std::uint32_t>(fast) == std::bit_cast<std::uint32_t>(general));
    return true;
}

TEST_CASE("plain decimals have the bits of the general way, or are left to it") {
    int most = 0;
    test::for_each_simd_level([&](const std::string& level) {
        CAPTURE(level);
        int taken = 0;
        for (std::uint32_t i = 0; i < 100000; ++i) {
            const Random4 words = philox4x32(5, i, 0, 0, 0);
            std::string digits =
                std::to_string((std::uint64_t{words[0]} << 32 | words[1]) >> (words[2] % 60));
            digits.resize(std::min<std::size_t>(digits.size(), 1 + words[3] % 17));
            digits.insert(words[2] / 60 % (digits.size() + 1), ".");
            taken += is_read((words[3] % 2 == 0 ? "-" : "") + digits) ? 1 : 0;
            // Middles between two floats, to 14 digits behind the mark: where rounding twice would err.
            const double middle = 1 + (2.0 * (words[0] % 4194304) + 1) / 16777216;
            taken += is_read(fmt::format("{:.14f}", middle)) ? 1 : 0;
            taken += is_read(std::to_string(16777217 + 2 * (words[0] % 8388608))) ? 1 : 0;
        }
        CHECK((taken > 150000 || taken == 0));  // none where the level has no vectors, or is compiled out
        most = std::max(most, taken);
    });
    CHECK(most > 150000);
    for (const char* read :
         {"0", "-0", ".5", "-.25", "1234567890.12345", "9007199254740992", "0.00000000000001"})
        CHECK_MESSAGE(is_read(read), read);
    for (const char* other :
         {"", "-", ".", "5.", "-5.", "1e5", "+1", "nan", "inf", " 1", "1 ", "1.2.3", "--1", "1-", "1,5",
          "9007199254740993", "12345678901234567", "1.123456789012345", "16777217"})
        CHECK_MESSAGE(!is_read(other), other);
    CHECK(is_read("-0,5", ','));
}

TEST_CASE(
    "plain decimals stop at the first cell that is none, and before there are 16 characters to look back "
    "on") {
    const std::string record = "0.5,1,2,-3,4.25,5,6,x,7";
    std::vector<const char*> ends;
    for (const char& c : record)
        if (c == ',') ends.push_back(&c);
    std::vector<float> values(ends.size());
    CHECK(read_decimals(record.data(), record.data(), ends.data(), ends.size(), '.', values.data()) == 0);
    // The fifth ends 17 characters behind the start.
    CHECK(read_decimals(record.data(), ends[4] + 1, ends.data() + 5, 3, '.', values.data()) == 2);
    CHECK(values[0] == 5);
    CHECK(values[1] == 6);
}

TEST_CASE("the ends of cells are those that a walk finds, wherever they lie") {
    test::for_each_simd_level([](const std::string& level) {
        CAPTURE(level);
        CellEnds found;
        for (std::uint32_t i = 0; i < 3000; ++i) {
            // Rare or frequent separators, up to ten blocks of them, a quote and a line end in some.
            const Random4 shape = philox4x32(6, i, 0, 0, 0);
            std::string text(shape[0] % 700, 'x');
            for (std::uint32_t j = 0; j < text.size(); ++j) {
                const std::uint32_t random = philox4x32(6, i, j, 1, 0)[0];
                if (random % (1 + shape[1] % 12) == 0) text[j] = ';';
                if (shape[2] % 3 != 0 && random % 499 == 0) text[j] = shape[2] % 2 == 0 ? '"' : '\n';
            }
            const std::size_t stop = std::min(text.find_first_of("\n\""), text.size());
            const char* const end = text.data() + text.size();
            const char* const line_end = found.find(text.data(), end, ';');
            CAPTURE(text);
            if (stop < text.size() && text[stop] == '"') {
                REQUIRE(line_end == nullptr);
                continue;
            }
            REQUIRE(line_end == text.data() + stop);
            std::vector<const char*> expected;
            for (std::size_t j = 0; j < stop; ++j)
                if (text[j] == ';') expected.push_back(text.data() + j);
            expected.push_back(line_end);
            REQUIRE(std::vector<const char*>(found.from(0), found.from(found.count())) == expected);
        }
    });
}

}  // namespace
}  // namespace abr::csv_test
