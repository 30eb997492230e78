#include "daemon/base/certificate.hpp"

#include "daemon/base/error.hpp"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

namespace rollbook {
namespace {

template <class T, void (*Free)(T*)> struct freed_by {
    void operator()(T* held) const { Free(held); }
};
using held_key = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY, EVP_PKEY_free>>;
using held_request = std::unique_ptr<X509_REQ, freed_by<X509_REQ, X509_REQ_free>>;
using held_text = std::unique_ptr<BIO, freed_by<BIO, BIO_free_all>>;

std::string text_in(BIO* from)
{
    const char* at = nullptr;
    const long size = BIO_get_mem_data(from, &at);
    return {at, static_cast<std::size_t>(size)};
}

// The name as it is, whatever a person typed: the library's own notation would take a comma in it for a second name.
void add_alternative_name(X509_REQ* to, const std::string& name)
{
    GENERAL_NAMES* names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME* one = GENERAL_NAME_new();
    ASN1_IA5STRING* text = ASN1_IA5STRING_new();
    ROLLBOOK_ENSURE(names && one && text);
    ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
    GENERAL_NAME_set0_value(one, GEN_DNS, text);
    sk_GENERAL_NAME_push(names, one);
    STACK_OF(X509_EXTENSION)* all = nullptr;
    ROLLBOOK_ENSURE(X509V3_add1_i2d(&all, NID_subject_alt_name, names, 0, 0) == 1);
    X509_REQ_add_extensions(to, all);
    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    GENERAL_NAMES_free(names);
}

// Without this the library asks at the terminal, where nobody may be.
int know_no_password(char*, int, int, void*)
{
    return -1;
}

} // namespace

certificate_request make_certificate_request(const std::string& name)
{
    const held_key key(EVP_EC_gen("P-256"));
    const held_request made(X509_REQ_new());
    ROLLBOOK_ENSURE(key && made);
    // The common name holds 64 characters at most, and nobody reads it where the alternative name stands.
    const std::string common = name.substr(0, 64);
    X509_NAME_add_entry_by_txt(
        X509_REQ_get_subject_name(made.get()),
        "CN",
        MBSTRING_UTF8,
        reinterpret_cast<const unsigned char*>(common.data()),
        static_cast<int>(common.size()),
        -1,
        0
    );
    add_alternative_name(made.get(), name);
    X509_REQ_set_pubkey(made.get(), key.get());
    ROLLBOOK_ENSURE(X509_REQ_sign(made.get(), key.get(), EVP_sha256()) > 0);

    const held_text key_text(BIO_new(BIO_s_mem()));
    const held_text request_text(BIO_new(BIO_s_mem()));
    ROLLBOOK_ENSURE(
        PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
        PEM_write_bio_X509_REQ(request_text.get(), made.get()) == 1
    );
    return {text_in(key_text.get()), text_in(request_text.get())};
}

std::optional<instant> certificate_ends(std::string_view pem)
{
    const held_text in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    if (!in) return std::nullopt;
    const std::unique_ptr<X509, decltype(&X509_free)> held(
        PEM_read_bio_X509(in.get(), nullptr, know_no_password, nullptr), X509_free
    );
    std::tm ends{};
    if (!held || ASN1_TIME_to_tm(X509_get0_notAfter(held.get()), &ends) != 1) return std::nullopt;
    return instant(std::chrono::seconds(::timegm(&ends)));
}

} // namespace rollbook
