#pragma once

#include "daemon/web/surroundings.hpp"

namespace rollbook {

// HTTP/1.1 on [web] listen, with TLS where there is a certificate. Fails with configuration_invalid: the address is
// taken or not this machine's, or the certificate and key do not fit.
result<std::unique_ptr<page_server>>
make_page_server(boost::asio::any_io_executor executor, web_surroundings surroundings);

} // namespace rollbook
