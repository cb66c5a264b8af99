#include "engine/output/json.hpp"

#include "engine/output/file.hpp"

namespace abr {

Json to_json_value(const Metric& metric) {
    return metric.value ? Json(*metric.value) : Json(nullptr);
}

void write_json(const std::filesystem::path& path, const Json& document) {
    write_file_atomically(path, document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n');
}

}  // namespace abr
