"""What hostile requests are made of: names, values, paths, hosts, origins, file names, queries, types."""

from __future__ import annotations

FIELDS = (
    *("run", "catalogue", "id", "galaxy", "row", "page", "class", "sort", "label", "who", "name", "q"),
    *("stretch", "key", "lang", "token", "path", "file", "from", "to", "least", "most", "set_size", "flags"),
    *("order", "seconds", "runs"),
)
VALUES = (
    *("../../../etc/passwd", "/etc/passwd", "..", "<script>alert(1)</script>", "' OR 1=1 --", "a\x00b"),
    *("\r\nX: y", "nan", "-1", "1e999", "99999999999999999999", "\ud800", "ł", "", "=cmd|'/C'!A0", "{{7*7}}"),
    *("%00", "x" * 4000, "true", "null"),
)
PATHS = (
    *("etc/passwd", "app.py", "run.json", "model.safetensors", "..", "kamerton/serving/security.py"),
    *("proc/self/environ",),
)
STEPS = (
    *("../", "..%2f", "%2e%2e/", "..\\", "%2e%2e%5c", "....//", "%252e%252e/", "%c0%ae%c0%ae/", "/", "//"),
    *("..;/", "%00/"),
)
STARTS = ("/static/", "/classify/", "/", "/classify/x/", "/static/%00", "/classify/x/0/", "http://evil.example/")
HOSTS = (
    *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "169.254.169.254", "[::2]", "[::1"),
    *("a b", "0x7f.1", "2130706433", "127.1", "evil.example:80", "user@127.0.0.1", "127.0.0.1#"),
    *("127.0.0.1\\@evil", "[fe80::1%25lo]"),
)
ORIGINS = (
    *("http://evil.example", "null", "https://127.0.0.1", "file://", "http://127.0.0.1:1", "javascript:1"),
    *("http://[::1]",),
)
NAMES = (
    *("<script>alert(1)</script>.png", "../../../../tmp/owned.png", "/etc/passwd", "..\\..\\a.png"),
    *("a\x00b.png", "=cmd|'/C'!A0", "{{7*7}}.png", "${7*7}", "%s%n.png", "a" * 5000, "\u202egnp.exe", "con"),
    *("a;b=c", "' OR 1=1 --", "-rf", "~", "."),
)
QUERIES = (
    *("?lang=../../x", "?lang=<b>", "?token=x", "?run=../../etc", "?x=" + "a" * 3000, "?q=nan&stretch=1e999"),
    *("?class=-1",),
)
TYPES = (
    *("application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "image/png"),
    *("x", "multipart/form-data; boundary=x; charset=zip", "multipart/mixed; boundary=x"),
    *("multipart/form-data; boundary=" + "x" * 999,),
)
