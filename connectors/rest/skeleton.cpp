#include "connectors/rest/skeleton.hpp"

namespace rollbook {

std::string manifest_skeleton(const std::string& name)
{
    const std::string text = R"({
  "$comment": "A new source. schemas/manifest.schema.json says what each key means; connectors/README.md shows an example. Delete each $comment once it is done.",
  "manifest": 1,
  "name": "NAME",
  "version": "1",
  "title": "NAME",
  "description": "What it reads, in a sentence.",
  "role": "mis",
  "basis": "assembled",
  "spec": {
    "base_url": {
      "type": "url",
      "title": "Address",
      "description": "Say where a technician finds it.",
      "required": true
    },
    "key": {
      "type": "string",
      "title": "Key",
      "description": "Say which page of the system makes it, and which permissions it needs.",
      "secret": true,
      "required": true
    }
  },
  "requester": { "base_url": "{base_url}" },
  "authenticator": {
    "$comment": "bearer, basic, api_key, oauth2_client_credentials or session_token",
    "type": "bearer",
    "token": "key"
  },
  "dates": {
    "$comment": "Forms that are tried in order, and the zone of times that name none.",
    "formats": ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
    "zone": "Europe/London"
  },
  "streams": [
    {
      "$comment": "One list of the system. lists_all is true only if a complete read names every record.",
      "name": "pupils",
      "path": "/pupils",
      "paginator": {
        "$comment": "none, next_url, link_header, page, offset or cursor",
        "type": "page",
        "param": "page",
        "pages": "pages"
      },
      "records": "data",
      "lists_all": false,
      "record": {
        "$comment": "fields: ours, and where it stands in a row. schemas/canonical/pupil.schema.json lists them. Take none that nothing needs.",
        "kind": "pupil",
        "source_id": "id",
        "pupil": "id",
        "fields": {
          "upn": "upn",
          "surname": "surname",
          "forename": "forename"
        }
      }
    }
  ]
}
)";
    std::string out = text;
    for (auto at = out.find("NAME"); at != out.npos; at = out.find("NAME", at + name.size()))
        out.replace(at, 4, name);
    return out;
}

} // namespace rollbook
