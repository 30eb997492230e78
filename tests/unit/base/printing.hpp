#pragma once

#include "daemon/base/error.hpp"

#include <catch2/catch.hpp>

#include <string>

// Prints a result in a failed check by what went wrong; values need no printer of their own.
template <class T> struct Catch::StringMaker<boost::system::result<T, rollbook::failure>> {
    static std::string convert(const boost::system::result<T, rollbook::failure>& r)
    {
        return r ? "a value" : "failure: " + r.error().what;
    }
};
