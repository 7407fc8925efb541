/* SPDX-License-Identifier: GPL-3.0-or-later */
/* array.h - arrays that grow: `v` with `n` elements in use and `room` for more.
 *
 *     struct point *p = array_add(l->v, l->n, l->room);
 *
 *     if (!p)
 *             return -ENOMEM;
 *     *p = (struct point){x, y};
 *
 * A zeroed pointer with a room of zero is an empty array; free() ends it. n and room are integers of any type: the
 * array never holds more than half of what room can count. Where memory is out, nothing has changed. v and room are
 * evaluated more than once. Pointers into the array last until it grows. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* v made longer: at least `want` elements of `size` bytes, twice *room where that is more, never above most. NULL with
 * *room as it was: out of memory, or more than most. */
void *array_grown(void *v, size_t *room, size_t want, size_t most, size_t size);

#define ARRAY_MOST(room) (((size_t)1 << (8 * sizeof(room) - 1)) - 1)

/* Room for `want` elements. 0 or -ENOMEM. */
#define array_reserve(v, room, want)                                                                           \
	({                                                                                                     \
		size_t array_want_ = (size_t)(want), array_room_ = (size_t)(room);                             \
		void *array_p_;                                                                                \
		int array_rc_ = 0;                                                                             \
                                                                                                               \
		if (array_want_ > array_room_) {                                                               \
			array_p_ = array_grown((v), &array_room_, array_want_, ARRAY_MOST(room), sizeof *(v)); \
			if (array_p_) {                                                                        \
				(v) = array_p_;                                                                \
				(room) = (__typeof__(room))array_room_;                                        \
			} else {                                                                               \
				array_rc_ = -ENOMEM;                                                           \
			}                                                                                      \
		}                                                                                              \
		array_rc_;                                                                                     \
	})

/* The same for an array that is used up to its room: what is new is zero. */
#define array_reserve_zeroed(v, room, want)                                                     \
	({                                                                                      \
		size_t array_old_ = (size_t)(room);                                             \
		int array_failed_ = array_reserve(v, room, want);                               \
                                                                                                \
		if (!array_failed_ && (size_t)(room) > array_old_)                              \
			memset((v) + array_old_, 0, ((size_t)(room)-array_old_) * sizeof *(v)); \
		array_failed_;                                                                  \
	})

/* One more element, as it comes from memory; NULL: none left. */
#define array_add(v, n, room) (array_reserve(v, room, (size_t)(n) + 1) ? (__typeof__(&*(v)))NULL : &(v)[(n)++])

#endif
