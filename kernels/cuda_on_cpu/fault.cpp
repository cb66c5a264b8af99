#include "kernels/cuda_on_cpu/fault.hpp"

#include <cstdio>
#include <sstream>

#include "kernels/cuda_on_cpu/program.hpp"

namespace abr::emulation {
namespace {

std::string relative(const std::string& file) {
    const std::string root = ABR_SOURCE_DIR "/";
    return file.starts_with(root) ? file.substr(root.size()) : file;
}

}  // namespace

std::string place(std::source_location at) {
    return relative(at.file_name()) + ":" + std::to_string(at.line());
}

std::string place(const void* instruction) {
    std::ostringstream command;
    command << "addr2line -e '" << program_path() << "' 0x" << std::hex
            << reinterpret_cast<std::uintptr_t>(instruction) - program_base();
    std::string line;
    if (FILE* pipe = popen(command.str().c_str(), "r")) {
        char text[4096];
        if (std::fgets(text, sizeof text, pipe)) line = text;
        pclose(pipe);
    }
    return relative(line.substr(0, line.find_first_of(" \n")));
}

}  // namespace abr::emulation
