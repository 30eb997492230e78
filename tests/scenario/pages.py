"""A reader of Rollbook's pages that keeps cookies and has an authenticator. Used by the tests of the pages; as a program
it sets an account up, and gives the code of a key:

    pages.py set-up URL NAME SET-UP-CODE PASSWORD     prints the authenticator's key
    pages.py code KEY                                 prints the code of this moment
"""

import base64
import hashlib
import hmac
import html
import http.client
import re
import ssl
import struct
import sys
import time
import urllib.parse


def code_of(key, at=None):
    """RFC 6238: SHA-1, 30 seconds, six digits."""
    secret = base64.b32decode(key.replace(" ", ""))
    step = struct.pack(">Q", int(time.time() if at is None else at) // 30)
    digest = hmac.new(secret, step, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start:start + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


class Answer:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body

    @property
    def text(self):
        return self.body.decode()

    def hidden(self, name):
        """The value of a hidden field."""
        return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', self.text)[1])


class Reader:
    source = ""  # an address of this machine to ask from; the system's choice

    def __init__(self, url, trusts=None):
        self.at = urllib.parse.urlsplit(url)
        self.trusts = ssl.create_default_context(cafile=trusts) if trusts else None
        self.cookies = {}

    def ask(self, method, path, body=None, headers=None):
        source = (self.source, 0) if self.source else None
        if self.at.scheme == "https":
            link = http.client.HTTPSConnection(self.at.hostname, self.at.port, timeout=20, source_address=source,
                                               context=self.trusts)
        else:
            link = http.client.HTTPConnection(self.at.hostname, self.at.port, timeout=20, source_address=source)
        sent = dict(headers or {})
        if self.cookies and "Cookie" not in sent:
            sent["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if isinstance(body, dict):
            body = urllib.parse.urlencode(body)
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        link.request(method, path, body, sent)
        response = link.getresponse()
        answer = Answer(response, response.read())
        link.close()
        for each in response.headers.get_all("Set-Cookie") or []:
            name, value = each.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer

    def get(self, path, **headers):
        return self.ask("GET", path, headers=headers)

    def post(self, path, **fields):
        return self.ask("POST", path, fields)

    def set_up(self, name, setup_code, password):
        """Gives the key for an authenticator."""
        form = self.get("/setup")
        shown = self.post("/setup", form_token=form.hidden("form_token"), name=name, setup_code=setup_code,
                          password=password, again=password)
        found = re.search(r'class="secret">([A-Z2-7 ]+)<', shown.text)
        if not found:
            raise RuntimeError(f"the account was not set up: {shown.status}")
        # A code counts once: the one before is still good, and leaves this moment's for the log-in.
        done = self.post("/setup", form_token=shown.hidden("form_token"), pending=shown.hidden("pending"),
                         code=code_of(found[1], time.time() - 30))
        if done.status != 303:
            raise RuntimeError(f"the account was not set up: {done.status}")
        return found[1]

    def log_in(self, name, password, key, next_page=""):
        form = self.get("/login" + (f"?next={urllib.parse.quote(next_page, safe='')}" if next_page else ""))
        return self.post("/login", form_token=form.hidden("form_token"), next=form.hidden("next"), name=name,
                         password=password, code=code_of(key))


if __name__ == "__main__":
    if sys.argv[1:2] == ["set-up"] and len(sys.argv) == 6:
        print(Reader(sys.argv[2]).set_up(*sys.argv[3:]))
    elif sys.argv[1:2] == ["code"] and len(sys.argv) == 3:
        print(code_of(sys.argv[2]))
    else:
        sys.exit(__doc__)
