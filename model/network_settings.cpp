#include "model/network_settings.hpp"

#include <algorithm>
#include <utility>

namespace abr {

std::vector<SettingContradiction> contradictions(const NetworkSettings& s) {
    std::vector<SettingContradiction> found;
    const auto require = [&](bool holds, std::vector<std::string_view> settings, std::string message,
                             std::string remedy = {}) {
        if (!holds) found.push_back({std::move(settings), std::move(message), std::move(remedy)});
    };
    const auto key = [](const char* name, auto value) {
        return "model." + std::string(name) + " = " + std::to_string(value);
    };
    const auto odd = [](int width) { return width % 2 == 1; };

    require(odd(s.kernel), {"kernel"}, "must be odd");
    require(!s.stem_kernels.empty() && s.stem_kernels.size() <= 8 && std::ranges::all_of(s.stem_kernels, odd),
            {"stem_kernels"}, "expected 1 to 8 odd numbers");
    require(s.stem_kernels.size() == s.stem_dilations.size(), {"stem_dilations", "stem_kernels"},
            "model.stem_dilations has " + std::to_string(s.stem_dilations.size()) +
                " numbers, model.stem_kernels " + std::to_string(s.stem_kernels.size()),
            "write one dilation for each kernel");
    require(s.base_channels % s.groups == 0, {"groups", "base_channels"},
            key("groups", s.groups) + " must divide " + key("base_channels", s.base_channels));
    constexpr int kMostChannels = 4096;
    const int bottleneck = s.base_channels << (s.levels - 1);
    require(bottleneck <= kMostChannels, {"levels", "base_channels"},
            key("base_channels", s.base_channels) + " and " + key("levels", s.levels) + " make " +
                std::to_string(bottleneck) + " channels at the bottleneck, at most " +
                std::to_string(kMostChannels) + " are allowed",
            "lower one of them");
    require(s.attention_layers == 0 || bottleneck % s.heads == 0,
            {"heads", "base_channels", "levels", "attention_layers"},
            key("heads", s.heads) + " must divide the " + std::to_string(bottleneck) +
                " channels of the bottleneck");
    return found;
}

}  // namespace abr
