/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/bytes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *suffix, *unit;
	double factor;
} units[] = {
	{"", "B", 1},
	{"B", "B", 1},
	{"KiB", "KiB", 1024.},
	{"MiB", "MiB", 1048576.},
	{"GiB", "GiB", 1073741824.},
	{"TiB", "TiB", 1099511627776.},
	{"kB", "kB", 1e3},
	{"KB", "kB", 1e3},
	{"MB", "MB", 1e6},
	{"GB", "GB", 1e9},
	{"TB", "TB", 1e12},
	{"K", "KiB", 1024.},
	{"M", "MiB", 1048576.},
	{"G", "GiB", 1073741824.},
};

bool nec_bytes_parse(const char *text, double *bytes_ret, double *factor_ret, const char **unit_ret)
{
	double number;
	char *end;

	number = strtod(text, &end);
	if (end == text || !(number > 0) || !isfinite(number))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		*bytes_ret = number * units[i].factor;
		if (factor_ret)
			*factor_ret = units[i].factor;
		if (unit_ret)
			*unit_ret = units[i].unit;
		return true;
	}
	return false;
}
