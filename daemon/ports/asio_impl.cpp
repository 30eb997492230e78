// Asio compiled once, for every layer that uses it.
#include <boost/asio/impl/src.hpp>
