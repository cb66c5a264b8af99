#include "kernels/cuda_on_cpu/kernel_names.hpp"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <unordered_map>
#include <vector>

#include "kernels/cuda/kernel_name.hpp"
#include "kernels/cuda_on_cpu/program.hpp"

namespace abr::emulation {
namespace {

// The functions of this program by address, as its file has them: unlike dladdr() this knows those in anonymous
// namespaces, too.
std::unordered_map<std::uintptr_t, std::string> read_functions() {
    std::ifstream file(program_path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    const auto at = [&]<class T>(std::size_t offset, const T*) {
        return reinterpret_cast<const T*>(&bytes[offset]);
    };
    const auto* header = at(0, static_cast<const ElfW(Ehdr)*>(nullptr));
    const auto* sections = at(header->e_shoff, static_cast<const ElfW(Shdr)*>(nullptr));
    std::unordered_map<std::uintptr_t, std::string> functions;
    for (int i = 0; i < header->e_shnum; ++i) {
        if (sections[i].sh_type != SHT_SYMTAB) continue;
        const char* names = &bytes[sections[sections[i].sh_link].sh_offset];
        const auto* symbols = at(sections[i].sh_offset, static_cast<const ElfW(Sym)*>(nullptr));
        for (std::size_t s = 0; s < sections[i].sh_size / sizeof *symbols; ++s)
            if (ELF64_ST_TYPE(symbols[s].st_info) == STT_FUNC)
                functions[program_base() + symbols[s].st_value] = names + symbols[s].st_name;
    }
    return functions;
}

}  // namespace

std::string kernel_name(const void* kernel) {
    static const auto functions = read_functions();
    static std::unordered_map<const void*, std::string> known;
    std::string& name = known[kernel];
    if (name.empty())
        name = cuda::readable_kernel_name(functions.at(reinterpret_cast<std::uintptr_t>(kernel)).c_str());
    return name;
}

void note_exercised(const std::string& kernel, std::uint64_t seed) {
    static const char* const path = std::getenv("ABR_KERNELS_EXERCISED");
    if (!path) return;
    static std::set<std::string> noted;
    const std::string line = std::to_string(seed) + ' ' + kernel + '\n';
    // One write to the end of the file: tests that run side by side share it.
    if (noted.insert(line).second) std::ofstream(path, std::ios::app) << line;
}

}  // namespace abr::emulation
