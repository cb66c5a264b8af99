// bench_kernels: every op at the network's shapes, checked and timed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <regex>
#include <string>
#include <vector>

#include "bench/networks.hpp"
#include "bench/report.hpp"
#include "engine/cli/cli.hpp"

namespace {

using namespace abr;
using namespace abr::bench;

constexpr const char* kDescription =
    "Times every op of kernels/ at the shapes of the quickstart (base 16) and production (base 64) networks, "
    "on\n"
    "all cores, beside what the machine gives at most: a large matrix product and a large copy, measured "
    "first.\n"
    "A case is run in float and held against the same op in double before it is timed.";

constexpr const char* kFooter =
    "A case is named <op>/<network>/B<batch>/<part>, with op as in kernels/*.hpp. Columns: microseconds a "
    "call; rate\n"
    "of floating-point operations, where the op is bound by them; rate of bytes, each operand counted once; "
    "the share\n"
    "of both ceilings; the error against double, as a part of the largest value.\n"
    "\n"
    "Examples:\n"
    "  bench_kernels --list\n"
    "      names every case\n"
    "  bench_kernels --filter 'conv1d_.*/production/B32' --csv conv.csv\n"
    "      the convolutions of the production network\n"
    "  bench_kernels --filter quickstart/B64\n"
    "      a step of the quickstart network, op by op\n"
    "  taskset -c 0 bench_kernels --filter B512\n"
    "      large batches, on one core\n"
    "\n"
    "Exit codes: 0 done; 1 a result was wrong or the run failed; 2 bad usage.";

struct Arguments {
    std::string backend = "cpu";
    std::string filter;
    std::string csv;
    double minimum_seconds = 0.2;
    bool list = false;
};

std::vector<Case> chosen(const std::string& filter) {
    std::regex pattern;
    try {
        pattern = std::regex(filter);
    } catch (const std::regex_error& error) {
        throw InputError(fmt::format("--filter '{}' is no regular expression: {}", filter, error.what()));
    }
    std::vector<Case> cases = every_case().cases();
    std::erase_if(cases, [&](const Case& c) { return !std::regex_search(c.name, pattern); });
    if (cases.empty())
        throw InputError(fmt::format("--filter '{}' matches no case; --list names all of them", filter));
    return cases;
}

int run(const Arguments& arguments) {
    const std::vector<Case> cases = chosen(arguments.filter);
    if (arguments.list) {
        for (const Case& c : cases) fmt::print("{}\n", c.name);
        return kExitDone;
    }
    std::size_t width = 0;
    for (const Case& c : cases) width = std::max(width, c.name.size());

    cpu::Stream stream;
    const Ceilings ceilings = measure_ceilings(stream);
    fmt::print("{} threads; matrix product by {}\n", stream.threads(), ceilings.product_by);
    Report report(ceilings, arguments.csv, std::max(width, std::string("ceiling/matrix_product").size()));
    for (const Case& c : cases) report.add(c, measure_on_cpu(c, stream, arguments.minimum_seconds));
    return report.wrong() == 0 ? kExitDone : kExitFailed;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App program(kDescription, "bench_kernels");
    program.footer(kFooter);
    Arguments arguments;
    program.add_option("--backend", arguments.backend, "Where the ops run")
        ->check(CLI::IsMember({"cpu"}))
        ->capture_default_str();
    program.add_option("--filter", arguments.filter,
                       "Only cases whose name has a match of this regular expression");
    program.add_option("--csv", arguments.csv, "Write the table here, too");
    program
        .add_option("--min-time", arguments.minimum_seconds, "Seconds that each case is timed for, at least")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    program.add_flag("--list", arguments.list, "Name the cases, run none");
    try {
        program.parse(argc, argv);
        return run(arguments);
    } catch (const CLI::ParseError& error) {
        return program.exit(error) == 0 ? kExitDone : kExitBadInput;
    } catch (const InputError& error) {
        fmt::print(stderr, "bench_kernels: {}\n", error.what());
        return kExitBadInput;
    } catch (const std::exception& error) {
        fmt::print(stderr, "bench_kernels: {}\n", error.what());
        return kExitFailed;
    }
}
