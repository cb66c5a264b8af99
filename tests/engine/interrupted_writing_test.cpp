// What a failing or dying writer leaves: file by file, with every call that changes a file failing once.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <limits>

#include "engine/output/csv.hpp"
#include "engine/output/folder_lock.hpp"
#include "engine/training/checkpoint.hpp"
#include "tests/engine/output_files.hpp"
#include "tests/file_faults.hpp"

namespace abr {
namespace {

using namespace test;

namespace fs = std::filesystem;

// Runs `action` in a process of its own; its exit status as wait(2) tells it.
int status_of_child(const std::function<void()>& action) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        action();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

std::string checkpoint_bytes(std::int64_t step) {
    Checkpoint checkpoint;
    NetworkShape& shape = checkpoint.shape;
    shape.length = 30;
    shape.classes = 2;
    shape.base_channels = 4;
    shape.levels = 2;
    shape.groups = 2;
    shape.attention_layers = 0;
    shape.embed_dim = shape.head_hidden = 4;
    checkpoint.data = {{"A", "B"}, 0.05};
    checkpoint.statistics.class_counts = {7, 3};
    checkpoint.statistics.class_weights = {1, 2};
    const Network network(shape, 1);
    const std::vector<float> values(static_cast<std::size_t>(network.parameters().size()),
                                    static_cast<float>(step));
    checkpoint.learner = {values, values, values, {}};
    checkpoint.progress.step = step;
    return serialize_checkpoint(checkpoint, network.parameters());
}

std::size_t files_in(const fs::path& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
}

constexpr int kCallsOfASave = 5;  // open, write, fsync, close, rename

TEST_CASE("a save whose n-th call fails leaves the earlier checkpoint, and the next save succeeds") {
    const TemporaryFolder folder;
    const fs::path path = folder.path / "last.safetensors";
    const std::string earlier = checkpoint_bytes(1), later = checkpoint_bytes(2);
    for (const Fault fault : {Fault::fail, Fault::full}) {
        int failures = 0;
        for (int call = 1; call <= kCallsOfASave + 1; ++call) {
            CAPTURE(call);
            put(path, earlier);
            set_file_fault(fault, call);
            const std::string message = message_of<FileError>([&] { write_file_atomically(path, later); });
            set_file_fault(Fault::none, 0);
            const bool failed = message != "nothing was thrown";
            failures += failed;
            if (failed) CHECK(contains(message, std::strerror(ENOSPC)));
            CHECK(load_checkpoint(path).progress.step == (failed ? 1 : 2));
            CHECK(files_in(folder.path) == 1);
            write_file_atomically(path, later);
            CHECK(load_checkpoint(path).progress.step == 2);
        }
        // A disk that becomes full at the rename has had room for everything.
        CHECK(failures == (fault == Fault::full ? kCallsOfASave - 1 : kCallsOfASave));
    }
}

TEST_CASE(
    "a process that is killed at the n-th call of a save leaves the earlier checkpoint or the later one") {
    const TemporaryFolder folder;
    const fs::path path = folder.path / "last.safetensors";
    const std::string earlier = checkpoint_bytes(1), later = checkpoint_bytes(2);
    for (int call = 1; call <= kCallsOfASave + 1; ++call) {
        CAPTURE(call);
        put(path, earlier);
        const int status = status_of_child([&] {
            set_file_fault(Fault::kill, call);
            write_file_atomically(path, later);
        });
        const bool killed = WIFSIGNALED(status);
        CHECK(killed == (call <= kCallsOfASave));
        CHECK(load_checkpoint(path).progress.step == (killed ? 1 : 2));
        remove_temporary_files(folder.path);
        CHECK(files_in(folder.path) == 1);
    }
}

TEST_CASE("a CSV row that fails or dies half-way never damages the rows before") {
    const TemporaryFolder folder;
    const fs::path path = folder.path / "steps.csv";
    const CsvRow header = csv_header(std::vector<std::string>{"n", "text"});
    const auto all = [](std::span<const std::string>) { return true; };
    const CsvRow row = CsvRow().integer(1).text("first"), next = CsvRow().integer(2).text("second");
    {
        CsvWriter writer(path, header);
        writer.append(row);
        set_file_fault(Fault::full, 1);
        CHECK_THROWS_AS(writer.append(next), FileError);
        set_file_fault(Fault::none, 0);
    }
    CHECK(content(path) == "n,text\n1,first\n");
    const int status = status_of_child([&] {
        CsvWriter writer(path, header, all);
        set_file_fault(Fault::kill, 1);
        writer.append(next);
    });
    CHECK(WIFSIGNALED(status));
    CHECK(content(path) == "n,text\n1,first\n2,se");
    CsvWriter(path, header, all).append(next);
    CHECK(content(path) == "n,text\n1,first\n2,second\n");
}

TEST_CASE(
    "what does not fit into the run folder is said before the run begins, and nothing stays of the "
    "question") {
    const TemporaryFolder folder;
    CHECK_NOTHROW(probe_folder(folder.path, 3'000'000, 4'000'000));
    {
        const FileSizeLimit limit(1'000'000);
        const std::string message = message_of<FileError>([&] { probe_folder(folder.path, 1'000'001, 0); });
        CHECK(contains(message, "1000001 bytes"));
        CHECK(contains(message, std::strerror(EFBIG)));
        CHECK_NOTHROW(probe_folder(folder.path, 1'000'000, 0));
    }
    const std::string full = message_of<FileError>(
        [&] { probe_folder(folder.path, 1, std::numeric_limits<std::int64_t>::max()); });
    CHECK(contains(full, "--output-dir"));
    CHECK(contains(message_of<FileError>([&] { probe_folder(folder.path / "vanished", 1, 1); }),
                   std::strerror(ENOENT)));
    CHECK(files_in(folder.path) == 0);
}

TEST_CASE("a folder in use is refused with the id of the process, and free again when that is killed") {
    const TemporaryFolder folder;
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t holder = ::fork();
    REQUIRE(holder >= 0);
    if (holder == 0) {
        const FolderLock lock(folder.path);
        [[maybe_unused]] const auto said = ::write(ready[1], "", 1);
        for (;;) ::pause();
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    const std::string message = message_of<InputError>([&] { FolderLock lock(folder.path); });
    CHECK(contains(message, "process " + std::to_string(holder) + ";"));
    CHECK(contains(message, folder.path.string()));
    ::kill(holder, SIGKILL);
    REQUIRE(::waitpid(holder, nullptr, 0) == holder);
    CHECK_NOTHROW(FolderLock(folder.path));
    CHECK_NOTHROW(FolderLock(folder.path));
    for (const int end : ready) ::close(end);
    CHECK_THROWS_AS(FolderLock(folder.path / "vanished"), FileError);
}

}  // namespace
}  // namespace abr
