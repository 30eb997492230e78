#include "daemon/base/certificate.hpp"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

namespace rollbook {

std::optional<instant> certificate_ends(const std::filesystem::path& file)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> in(BIO_new_file(file.c_str(), "r"), BIO_free);
    if (!in) return std::nullopt;
    const std::unique_ptr<X509, decltype(&X509_free)> held(
        PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free
    );
    std::tm ends{};
    if (!held || ASN1_TIME_to_tm(X509_get0_notAfter(held.get()), &ends) != 1) return std::nullopt;
    return instant(std::chrono::seconds(::timegm(&ends)));
}

} // namespace rollbook
