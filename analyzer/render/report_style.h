/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_style.h - the style sheet of HTML reports: light and dark, wide and narrow, and on paper. */
#ifndef RENDER_REPORT_STYLE_H
#define RENDER_REPORT_STYLE_H

extern const char report_style[];

#endif
