# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of seven daemons in turn, of three thousand seconds, whose messages have all that is hard in them."""
import sys
out = open(sys.argv[1] + "/many.log", "wb")
for i in range(3000):
    odd = [b"", b' "quoted"', b" back\\slash", b"  ", b" \xff", " ümlaut".encode(), b" [x] (y)", b" a: b"][i * 7 // 3 % 8]
    say, s = b"item %d of %d" % (i, i % 5) + odd, i % 60
    out.write([b"7:M 01 Jun 2026 10:%02d:%02d.%03d * %s" % (i // 60, s, i % 1000, say),
               b"[2026-06-01 10:%02d:%02d,%03d] INFO %s (a.b.C%d)" % (i // 60, s, i % 1000, say, i % 3),
               b"Jun  1 10:%02d:%02d web-1 app[%d]: %s" % (i // 60, s, i, say),
               b"2026/06/01 10:%02d:%02d [warn] 7#8: *%d %s" % (i // 60, s, i, say),
               b'192.0.2.1 - - [01/Jun/2026:10:%02d:%02d +0000] "GET /%d HTTP/1.1" 200 %d "-" "%s"' % (i // 60, s, i, i, say.replace(b'"', b"'")),
               b"0601 bare %d" % i, b"I0601 10:%02d:%02d.%06d       7 a.go:%d] %s" % (i // 60, s, i, i % 9, say)][i % 7] + b"\n")
