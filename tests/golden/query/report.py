#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.py PAGE - what a browser would do with a report: the policy's hashes, the data blocks, the links."""
import base64
import hashlib
import html.parser
import json
import re
import sys

text = open(sys.argv[1], encoding='utf-8').read()


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links, self.blocks, self.at, self.policy, self.wrong = [], [], [], None, '', []

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.wrong += [tag + ' ' + k for k in a if k in ('src', 'srcset', 'style') or k.startswith('on')]
        self.wrong += [tag] if tag in ('link', 'img', 'iframe', 'object', 'embed', 'form') else []
        if 'id' in a:
            self.ids.append(a['id'])
        if tag == 'a':
            self.links.append(a['href'])
        if tag == 'meta' and a.get('http-equiv') == 'Content-Security-Policy':
            self.policy = a['content']
        if tag in ('script', 'style', 'title'):
            self.at = [tag, a, '']
            self.blocks.append(self.at)

    def handle_data(self, data):
        if self.at:
            self.at[2] += data

    def handle_endtag(self, tag):
        if self.at and tag == self.at[0]:
            self.at = None


page = Page()
page.feed(text)
charts = cubes = 0
title = None
for tag, attrs, data in page.blocks:
    if tag == 'title':
        title = title or data
    elif attrs.get('type') == 'application/json':
        json.loads(data)
        cubes += attrs.get('class') == 'cube'
        charts += attrs.get('class') != 'cube'
    else:
        h = base64.b64encode(hashlib.sha256(data.encode()).digest()).decode()
        print(tag + ':', 'in the policy' if f"{tag}-src 'sha256-{h}'" in page.policy else 'NOT in the policy')
print('title:', title)
print('data:', charts, 'charts,', cubes, 'cube' + 's' * (cubes != 1))
lost = [x for x in page.links if x[:1] != '#' or x[1:] not in page.ids]
twice = sorted({x for x in page.ids if page.ids.count(x) > 1})
print('links:', ' '.join(lost + twice) or 'all lead somewhere')
print('fetched, or run by an attribute:', ' '.join(page.wrong) or 'nothing')
