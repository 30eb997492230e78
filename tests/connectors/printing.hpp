#pragma once

#include "daemon/base/error.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace Catch {

// A failed check shows the failure's own words.
template <class T> struct StringMaker<rollbook::result<T>> {
    static std::string convert(const rollbook::result<T>& r) { return r ? "a value" : r.error().what; }
};

} // namespace Catch
