// Asio's TLS compiled once, for this layer.
#include <boost/asio/ssl/impl/src.hpp>
