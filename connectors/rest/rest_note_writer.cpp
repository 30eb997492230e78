#include "connectors/rest/rest_note_writer.hpp"

#include "connectors/rest/asker.hpp"
#include "connectors/rest/dom.hpp"

#include <boost/asio/awaitable.hpp>

#include <algorithm>

namespace rollbook {

namespace {

namespace asio = boost::asio;

// What the loop of deliveries understands: whether another try can help.
failure as_delivery(failure why)
{
    const remedy mend = remedy_for(why.code);
    const bool later = mend == remedy::retry_soon || mend == remedy::wait;
    why.code = later ? errc::delivery_unreachable : errc::delivery_refused;
    return why;
}

class rest_note_writer final : public note_writer {
public:
    rest_note_writer(
        manifest m,
        const write_spec& spec,
        resolved_settings settings,
        std::string source,
        secret_reader secrets,
        http_client& client
    )
        : manifest_(std::move(m)), spec_(spec), settings_(std::move(settings)), source_(std::move(source)),
          asker_(manifest_, settings_, source_, std::move(secrets), client)
    {
    }

    asio::awaitable<result<std::string>> write(source_note note) override
    {
        if (auto read = asker_.credentials().read_secrets(); !read) co_return as_delivery(read.error());
        if (auto ready = co_await asker_.credentials().prepare(); !ready) co_return as_delivery(ready.error());
        run_values values{
            {"@reference", note.reference}, {"@pupil", note.pupil}, {"@text", note.text}, {"@at", note.at}};
        // A source that can be asked by our reference is asked first: the try before may have come through unheard.
        if (knows_by_reference()) {
            const result<bool> there = co_await is_there(values);
            if (!there) co_return as_delivery(there.error());
            if (*there) co_return std::string();
        }
        const std::string where = "POST " + spec_.request.path;
        asked request = asker_.start(asker_.requests().request(spec_.request, values));
        result<http_response> answer = co_await asker_.answer(std::move(request));
        // Created, accepted and done without a word are all successes of a write.
        if (answer && answer->status > 200 && answer->status < 300) answer->status = 200;
        std::string id;
        if (answer && answer->status == 200 && answer->body.empty() && spec_.success.empty() && spec_.id.empty()) {
            values["@id"] = id;
        } else {
            std::string body;
            auto read = asker_.read(std::move(answer), where, true, false, decoder_spec(), body);
            if (!read) {
                // Whatever became of the answer: a note that is there was taken.
                const result<bool> there = knows_by_reference() ? co_await is_there(values) : result<bool>(false);
                if (there && *there) co_return std::string();
                co_return as_delivery(read.error());
            }
            if (!read->root || !condition_list(spec_.success).hold(*read->root)) co_return not_taken(where);
            id = id_in(*read->root);
            values["@id"] = id;
        }
        if (spec_.read_back) {
            const result<bool> there = co_await is_there(values);
            if (!there) co_return as_delivery(there.error());
            if (!*there) co_return not_taken(where);
        }
        co_return id;
    }

    bool knows_by_reference() const override { return spec_.read_back && !names(*spec_.read_back, "{@id}"); }

private:
    static bool names(const request_spec& r, std::string_view variable)
    {
        bool found = r.path.find(variable) != r.path.npos;
        for (const auto& [name, value] : r.query)
            found = found || value.find(variable) != value.npos;
        for (const auto& value : r.body_values)
            found = found || value.text.find(variable) != value.text.npos;
        return found;
    }

    static failure not_taken(const std::string& where)
    {
        return failure(
            errc::delivery_refused,
            where + ": the source answered, and did not take the note",
            "Look in the source whether it is there; the manifest's page says which permission writing needs."
        );
    }

    std::string id_in(const dom_value& root) const
    {
        if (spec_.id.empty()) return {};
        path_finder at(spec_.id);
        const dom_value* found = at.find(root);
        if (found && found->IsString()) return std::string(text_of(*found));
        return found && found->IsInt64() ? std::to_string(found->GetInt64()) : std::string();
    }

    asio::awaitable<result<bool>> is_there(run_values values)
    {
        const std::string where = spec_.read_back->method + " " + spec_.read_back->path;
        asked request = asker_.start(asker_.requests().request(*spec_.read_back, values));
        result<http_response> answer = co_await asker_.answer(std::move(request));
        std::string body;
        auto read = asker_.read(std::move(answer), where, true, true, decoder_spec(), body);
        if (!read) co_return read.error();
        if (!read->root) co_return false; // 404: not there
        std::vector<condition_spec> wanted = spec_.found;
        for (condition_spec& c : wanted)
            for (std::string& value : c.values)
                if (value == "{@reference}") value = values["@reference"];
        co_return condition_list(wanted).hold(*read->root);
    }

    const manifest manifest_;
    const write_spec spec_;
    const resolved_settings settings_;
    const std::string source_;
    asker asker_;
};

} // namespace

result<std::unique_ptr<note_writer>> make_rest_note_writer(
    manifest m, std::string_view name, const source_configuration& source, secret_reader secrets, http_client& client
)
{
    const auto spec =
        std::find_if(m.writes.begin(), m.writes.end(), [&](const write_spec& w) { return w.name == name; });
    if (spec == m.writes.end())
        return failure(
            errc::configuration_invalid,
            "source \"" + source.name + "\": the manifest " + m.name + " has no write operation \"" +
                std::string(name) + "\"",
            "Name one that it has; most systems can only be read."
        );
    auto settings = resolve_settings(m, source);
    if (!settings) return settings.error();
    const write_spec chosen = *spec;
    return std::unique_ptr<note_writer>(std::make_unique<rest_note_writer>(
        std::move(m), chosen, std::move(*settings), source.name, std::move(secrets), client
    ));
}

} // namespace rollbook
