/* SPDX-License-Identifier: GPL-3.0-or-later */
/* part.c - see part.h */
#include "infer/part.h"
#include "base/array.h"
#include "base/scan.h"
#include "base/template.h"

#include <errno.h>
#include <string.h>

int part_read(struct part *p, const struct event *e, enum section section, struct slice *out)
{
	struct slice s = event_part(e, section);

	*out = SLICE_NONE;
	if (!s.ptr || !s.len || s.len > PART_LONGEST || s.ptr[0] != (section == SECTION_SPANS ? '[' : '{'))
		return 0;
	if (array_reserve(p->text, p->room, s.len + SCAN_SLACK))
		return -ENOMEM;
	memcpy(p->text, s.ptr, s.len);
	memset(p->text + s.len, 0, SCAN_SLACK);
	*out = (struct slice){p->text, s.len};
	return 0;
}

int part_template(const struct event *e, struct bytes *out)
{
	struct slice message = event_message(e);

	if (!message.ptr)
		message = SLICE("");
	if (array_reserve(out->ptr, out->room, TEMPLATE_ROOM(message.len) + 1))
		return -ENOMEM;
	out->len = template_mask(message.ptr, message.len, out->ptr);
	return 0;
}
