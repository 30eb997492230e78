#include "daemon/base/failure_json.hpp"

namespace rollbook {

void write_failure(json_writer& out, const failure& why)
{
    out.begin_object();
    out.member("code", static_cast<int>(why.code));
    out.member("to_do", why.to_do);
    out.member("what", why.what);
    out.end_object();
}

failure read_failure(json_view value)
{
    return failure(
        static_cast<errc>(value["code"].int_if().value_or(static_cast<int>(errc::page_malformed))),
        std::string(value["what"].string_if().value_or("")),
        std::string(value["to_do"].string_if().value_or(""))
    );
}

} // namespace rollbook
