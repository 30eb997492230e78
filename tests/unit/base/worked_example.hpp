#pragma once

#include "daemon/base/ledger_entry.hpp"
#include "daemon/base/sha256.hpp"
#include "daemon/base/signed_note.hpp"

#include <array>
#include <string>
#include <string_view>

// The worked example of the ledger's formats, made with other programs. Its keys are test keys.
namespace worked_example {

struct entry {
    rollbook::entry_kind kind;
    std::string_view recorded_at;
    std::string_view payload;
    std::string_view commit_key; // hex
    std::string_view commitment; // base64
    std::string_view leaf_hash;  // hex
};

using enum rollbook::entry_kind;

inline constexpr std::array<entry, 5> entries = {{
    {record,
     "2026-09-01T08:50:00.000Z",
     R"({"mark":"/","pupil":"P-0001","session":"2026-09-01:AM","source":"mis","ver":1})",
     "461c88a3c9c8ba7035b97a65a54e324d194853bb767be41102cc5e7596a86f07",
     "QPHWMVWeK1E0bILj5mB3n3lN/CDBbytCts94AZguEXo=",
     "0bbd5b1dc8d5513d87fa9df13c2277578b0bd70182091b59af5fae6d29cab96c"},
    {record,
     "2026-09-01T08:50:00.000Z",
     R"({"mark":"N","pupil":"P-0002","session":"2026-09-01:AM","source":"mis","ver":1})",
     "76d27322e3d16e1989bd5e2445d338f2f7c1089c582d04cd2c6cd4790b403243",
     "NNLve57v5w5HKwz34OHocHE90sVd/oGX4NxCAlgMiBA=",
     "f8957f2753b6f46570de40144dce53563055914f78e4b4c06093a50b79968977"},
    {record,
     "2026-09-01T09:31:07.250Z",
     R"({"mark":"L","minutes_late":22,"pupil":"P-0002","session":"2026-09-01:AM","source":"mis","supersedes":1,"ver":2})",
     "0fb0824466b08480e137827e0b4dc34874639d120028a1e173b959f472213d6d",
     "Ecg8YgV4KFtXmmqBdjWrc0duitwnzDh8NSllHNds5RY=",
     "9da3531768222a51ac06e92e7860556621dc595ac29ad49190db3a764d7afe20"},
    {record,
     "2026-09-01T11:05:00.000Z",
     R"({"category":"welfare","id":"I-77","note":"café €","pupil":"P-0001","source":"safeguarding","ver":1})",
     "a774febcc4fc92bf1d4fa0c9d3139b22386ca61f2ad2420d9e29c7ffe09ae045",
     "oyNLvYKqBV1+wFKAZqLfjCX5LrFAqDFCxB9J2Xostqc=",
     "8ab1e8b924d11616b86603747df04ca4e7003bc0a8bc6714ae51c2bbd161170b"},
    {erasure,
     "2032-09-02T02:00:00.000Z",
     R"({"basis":"retention-expired","entries":[1,2]})",
     "5d373b8d742c4ae1ce23d77273830fe10e29b43a5d8ee9716d5cb91fa62c827b",
     "JYYVlO2PS0qcw9oSf8ufliQsXh038kUo3Q818Axnxdw=",
     "6e9a18b5b66f1912a091819ba91939fb04cd84d521e4885aef147a5a730c09b6"},
}};

// By size, from 1.
inline constexpr std::array<std::string_view, 5> roots = {
    "0bbd5b1dc8d5513d87fa9df13c2277578b0bd70182091b59af5fae6d29cab96c",
    "88b85a1452628a26b9985cf5eac275c7d6e0b3de8a8b5784ece1e35bc5659e8e",
    "d677b88c003552869d94c7aaa7cff2fae2c5aca497bb6106e3a32e8390431ed9",
    "ccbf966ba95bd356835789277c05a56a84c7b7785997891a413bd201b3f0b87b",
    "784e60baad642f445639ca94b6ec87a0f854277e781d248baac10db630739ec3",
};

inline constexpr std::string_view log_vkey =
    "school.example/ledger-test+46bc012c+AfOC2g4czSqsPLdIaVZoVQJMTmC/d0Ja92gNO3hELcXQ";
inline constexpr std::string_view witness_vkey =
    "auditor.example/witness-1+607331dd+BPL7kdxuY10iktOqIOP5CBMUX3G6ljjol0tGG8xv/fIC";

inline constexpr std::string_view checkpoint_at_3 =
    "school.example/ledger-test\n"
    "3\n"
    "1ne4jAA1UoadlMeqp8/y+uLFrKSXu2EG46Mug5BDHtk=\n"
    "\n"
    "— school.example/ledger-test "
    "RrwBLBomyRi1vDbZ/ggQklywFYGhjBB6C+zFOdTc93rWL1O57k/TytHwpBXCWfw0HXZ7Dihc0guXA98AOqlqcRXDKAs=\n";

inline constexpr std::string_view proof_file =
    "c2sp.org/tlog-proof@v1\n"
    "index 2\n"
    "irHouSTRFha4ZgN0ffBMpOcAO8CovGcUrlHCu9FhFws=\n"
    "iLhaFFJiiia5mFz16sJ1x9bgs96Ki1eE7OHjW8Vlno4=\n"
    "bpoYtbZvGRKgkYGbqRk5+wTNhNUh5Iha7xR6WnMMCbY=\n"
    "\n"
    "school.example/ledger-test\n"
    "5\n"
    "eE5guq1kL0RWOcqUtuyHoPhUJ354HSSLqsENtjBznsM=\n"
    "\n"
    "— school.example/ledger-test "
    "RrwBLA+q7UrUR/xo/iSMKEXNhQE34KP4Q8tQ71WilkWvI4UYO1+1BWCka4PElUEhqceGnVGWcZGG5m80e5lvOyF+nwE=\n"
    "— auditor.example/witness-1 "
    "YHMx3QAAAAB14WkwX+qIKn7YD1+aT8oRz6x71E/lquPTd+u/4c0gwSJ4KSllpOJlj3VaYunerBaAKrCnaf8rnjhZbe9/1sLNLG0cBg==\n";
inline constexpr std::uint64_t cosigned_at = 1977706800;

inline constexpr std::string_view witness_request =
    "old 3\n"
    "naNTF2giKlGsBukueGBVZiHcWVrCmtSRkNs6dk16/iA=\n"
    "irHouSTRFha4ZgN0ffBMpOcAO8CovGcUrlHCu9FhFws=\n"
    "iLhaFFJiiia5mFz16sJ1x9bgs96Ki1eE7OHjW8Vlno4=\n"
    "bpoYtbZvGRKgkYGbqRk5+wTNhNUh5Iha7xR6WnMMCbY=\n"
    "\n"
    "school.example/ledger-test\n"
    "5\n"
    "eE5guq1kL0RWOcqUtuyHoPhUJ354HSSLqsENtjBznsM=\n"
    "\n"
    "— school.example/ledger-test "
    "RrwBLA+q7UrUR/xo/iSMKEXNhQE34KP4Q8tQ71WilkWvI4UYO1+1BWCka4PElUEhqceGnVGWcZGG5m80e5lvOyF+nwE=\n";

inline rollbook::hash seed(std::string_view phrase)
{
    return rollbook::sha256(rollbook::as_bytes(phrase));
}

// The keys' seeds are the hashes of these phrases.
inline rollbook::signing_key log_key()
{
    return {"school.example/ledger-test", rollbook::key_kind::log, seed("TEST ONLY ledger log key 1")};
}

inline rollbook::signing_key witness_key()
{
    return {"auditor.example/witness-1", rollbook::key_kind::witness, seed("TEST ONLY auditor witness key 1")};
}

inline std::string leaf(std::size_t i)
{
    const entry& e = entries[i];
    std::string out;
    rollbook::append_leaf(
        out, i, e.kind, *rollbook::parse_instant(e.recorded_at), *rollbook::hash_from_base64(e.commitment)
    );
    return out;
}

} // namespace worked_example
