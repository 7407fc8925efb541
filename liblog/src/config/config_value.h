/* SPDX-License-Identifier: Apache-2.0 */
/* config_value.h - between the files that read a configuration: the keys whose values are lists. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/setting.h"
#include "config/config.h"

/* As setting_string, of directives; also -EINVAL. */
int config_set_filter(const struct setting_source *source, const char *name, char **slot, const char *text);

/* Values of the keys "sinks" and "rate_limits". 0, -EINVAL or -ENOMEM. */
int config_set_sinks(const struct setting_source *source, const char *name, struct config_sinks *slot, json_t *value);
int config_set_limits(const struct setting_source *source, const char *name, struct config_limits *slot, json_t *value);
/* When all is read: complete the list, by the keys that are sinks of their own. 0, -EINVAL (two sinks in one file) or
 * -ENOMEM. */
int config_place_sinks(struct config *config, const struct setting_source *source);
void config_sinks_done(struct config_sinks *sinks);

#endif
