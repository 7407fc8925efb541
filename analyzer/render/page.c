/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page.c - see page.h. What it embeds is made by the build of page/ and vendor/. */
#include "render/page.h"
#include "base/sha256.h"
#include "render/text.h"
#include <errno.h>
#include <string.h>

#include "page_page_css.h"
#include "page_page_js.h"
#include "page_uPlot_iife_min_js.h"
#include "page_uPlot_min_css.h"

static void add_style(struct text *t)
{
	text_puts(t, page_uPlot_min_css);
	text_puts(t, page_page_css);
}

static void add_script(struct text *t)
{
	text_puts(t, page_uPlot_iife_min_js);
	text_puts(t, page_page_js);
}

static int put(FILE *file, struct text *t)
{
	int rc = t->failed ? -ENOMEM : 0;

	if (!rc)
		fwrite(text_str(t), 1, t->len, file);
	text_done(t);
	return rc;
}

static int hash_of(void (*add)(struct text *), char out[SHA256_BASE64])
{
	struct text t = {0};
	int rc;

	add(&t);
	rc = t.failed ? -ENOMEM : 0;
	if (!rc)
		sha256_base64(text_str(&t), t.len, out);
	text_done(&t);
	return rc;
}

int page_head(FILE *file, const char *generator, const char *title)
{
	char style[SHA256_BASE64], script[SHA256_BASE64];
	struct text t = {0};
	int rc = hash_of(add_style, style);

	if (!rc)
		rc = hash_of(add_script, script);
	if (rc)
		return rc;
	text_printf(&t,
	            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	            "'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
	            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	            "<meta name=\"referrer\" content=\"no-referrer\">\n"
	            "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"%s\">\n"
	            "<title>",
	            style, script, generator);
	text_add_html(&t, title, strlen(title));
	text_puts(&t, "</title>\n<style>");
	add_style(&t);
	text_puts(&t, "</style>\n</head>\n<body>\n");
	return put(file, &t);
}

int page_foot(FILE *file)
{
	struct text t = {0};

	text_puts(&t, "<script>");
	add_script(&t);
	text_puts(&t, "</script>\n</body>\n</html>\n");
	return put(file, &t);
}
