/* SPDX-License-Identifier: Apache-2.0 */
/* flight.h - the flight recorder's lines: before an event that asks for them. */
#ifndef FLIGHT_H
#define FLIGHT_H

#include "appender/appender.h"

/* From now on, if there is a recorder. 0 or -ENOMEM. */
int flight_begin(struct appender *a, const struct config_recorder *config);

#endif
