/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page.h - one HTML page that needs nothing else: style and script stand in it, and nothing may be fetched.
 *
 * Its policy names style and script by their hashes, so that nothing a log brings along could run, were it ever taken
 * for a tag. Attributes `style` are forbidden by it as well: parts of a page use classes. Not thread-safe on one FILE.
 */
#ifndef RENDER_PAGE_H
#define RENDER_PAGE_H

#include <stdio.h>

/* Up to <body>; title: plain text, made safe here. The page ends with page_foot, which brings the script. 0 or -ENOMEM;
 * failed writes are the FILE's (output_status). */
int page_head(FILE *file, const char *generator, const char *title);
int page_foot(FILE *file);

#endif
