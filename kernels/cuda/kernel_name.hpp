// How messages name a kernel.
#pragma once

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace abr::cuda {

// The qualified name with its template arguments, without "void", parameters and anonymous namespaces.
inline std::string readable_kernel_name(const char* symbol) {
    struct Free {
        void operator()(char* p) const { std::free(p); }
    };
    const std::unique_ptr<char, Free> demangled(abi::__cxa_demangle(symbol, nullptr, nullptr, nullptr));
    std::string name = demangled ? demangled.get() : symbol;
    const std::string anonymous = "(anonymous namespace)::";
    for (auto at = name.find(anonymous); at != std::string::npos; at = name.find(anonymous))
        name.erase(at, anonymous.size());
    // The last parenthesis that opens on the outermost level; template arguments may have some, too.
    int open = 0;
    for (std::size_t i = name.size(); i-- > 0;) {
        if (name[i] == ')') ++open;
        if (name[i] == '(' && --open == 0) {
            name.resize(i);
            break;
        }
    }
    return name.starts_with("void ") ? name.substr(5) : name;
}

}  // namespace abr::cuda
