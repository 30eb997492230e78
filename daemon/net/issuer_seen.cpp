#include "daemon/net/issuer_seen.hpp"

#include "daemon/base/utf8.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>

namespace rollbook::net {

namespace {

constexpr std::size_t name_max = 200; // a certificate may say anything

void free_note(void*, void* note, CRYPTO_EX_DATA*, int, long, void*)
{
    delete static_cast<issuer_note*>(note);
}

// The note lives as long as the connection's context does, which may outlive the request.
int note_index()
{
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_note);
    return index;
}

std::string issuer_of(X509* certificate)
{
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    if (!out) return {};
    X509_NAME_print_ex(out.get(), X509_get_issuer_name(certificate), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return plain({text, std::min(static_cast<std::size_t>(std::max(size, 0l)), name_max)});
}

// OpenSSL's word on each certificate, passed on as it came.
int on_certificate(int good, X509_STORE_CTX* store)
{
    const auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    X509* certificate = X509_STORE_CTX_get_current_cert(store);
    if (!ssl || !certificate) return good;
    auto* note = static_cast<issuer_note*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), note_index()));
    // The server's own certificate comes last; one that fails before decides.
    if (note && (!good || X509_STORE_CTX_get_error_depth(store) == 0)) **note = issuer_of(certificate);
    return good;
}

CURLcode on_context(CURL*, void* context, void* note)
{
    auto* tls = static_cast<SSL_CTX*>(context);
    auto kept = std::make_unique<issuer_note>(*static_cast<const issuer_note*>(note));
    if (SSL_CTX_set_ex_data(tls, note_index(), kept.get()) != 1) return CURLE_OUT_OF_MEMORY;
    kept.release();
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, &on_certificate);
    return CURLE_OK;
}

} // namespace

void note_issuer(CURL* easy, const issuer_note& to)
{
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &on_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &to);
}

} // namespace rollbook::net
