/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The time in a line of a log; see logtime.h. */
#include <string.h>
#include <time.h>

#include "formats/logtime.h"
#include "formats/reader.h"

static int take_digits(const char **s, const char *end, int count)
{
	int v = 0;

	if (end - *s < count)
		return -1;
	while (count--) {
		if (**s < '0' || **s > '9')
			return -1;
		v = v * 10 + (*(*s)++ - '0');
	}
	return v;
}

static double fraction(const char **s, const char *end)
{
	double v = 0, scale = 1;

	if (*s == end || (**s != '.' && **s != ','))
		return 0;
	for ((*s)++; *s < end && **s >= '0' && **s <= '9'; (*s)++)
		v += (**s - '0') * (scale /= 10);
	return v;
}

static bool valid_tm(const struct tm *tm)
{
	return tm->tm_year >= 70 && tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 &&
	       tm->tm_mday <= 31 && tm->tm_hour >= 0 && tm->tm_hour < 24 && tm->tm_min >= 0 &&
	       tm->tm_min < 60 && tm->tm_sec >= 0 && tm->tm_sec <= 60;
}

/* hh:mm:ss */
static bool take_clock(const char **s, const char *end, struct tm *tm)
{
	tm->tm_hour = take_digits(s, end, 2);
	if (*s == end || *(*s)++ != ':')
		return false;
	tm->tm_min = take_digits(s, end, 2);
	if (*s == end || *(*s)++ != ':')
		return false;
	tm->tm_sec = take_digits(s, end, 2);
	return true;
}

/* 2026-11-20T23:47:56.7+01:00, a blank for the T, Z or nothing for the offset. */
static bool parse_iso(const char *s, const char *end, double *ret, bool *zone_ret)
{
	struct tm tm = {0};
	int hours, minutes = 0;
	char sign;

	tm.tm_year = take_digits(&s, end, 4) - 1900;
	if (s == end || *s++ != '-')
		return false;
	tm.tm_mon = take_digits(&s, end, 2) - 1;
	if (s == end || *s++ != '-')
		return false;
	tm.tm_mday = take_digits(&s, end, 2);
	if (s == end || (*s != 'T' && *s != ' '))
		return false;
	s++;
	if (!take_clock(&s, end, &tm) || !valid_tm(&tm))
		return false;
	*ret = (double)timegm(&tm) + fraction(&s, end);
	*zone_ret = s < end && *s == 'Z';
	if (s < end && (*s == '+' || *s == '-')) {
		sign = *s++;
		hours = take_digits(&s, end, 2);
		if (s < end && *s == ':')
			s++;
		if (end - s >= 2)
			minutes = take_digits(&s, end, 2);
		if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
			return false;
		*ret += (sign == '-' ? 60 : -60) * (double)(hours * 60 + minutes);
		*zone_ret = true;
	}
	return true;
}

/* "Fri Nov 20 23:47:56 UTC 2026"; s is at the month. */
static bool parse_date(const char *s, const char *end, double *ret)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {0};
	int month, day;

	if (end - s < 24)
		return false;
	for (month = 0; month < 12 && memcmp(s, months + 3 * month, 3); month++)
		;
	if (month == 12 || s[3] != ' ')
		return false;
	s += 4;
	if (*s == ' ')
		s++;
	for (day = 0; *s >= '0' && *s <= '9' && day < 100; s++)
		day = day * 10 + (*s - '0');
	if (*s++ != ' ' || !take_clock(&s, end, &tm) || end - s < 9 ||
	    (memcmp(s, " UTC ", 5) && memcmp(s, " GMT ", 5)))
		return false;
	s += 5;
	tm.tm_mon = month;
	tm.tm_mday = day;
	tm.tm_year = take_digits(&s, end, 4) - 1900;
	*ret = (double)timegm(&tm);
	return valid_tm(&tm);
}

bool nec_logtime_find(const char *text, size_t len, double *ret, bool *zone_ret)
{
	const char *s, *end = text + (len < 64 ? len : 64), *p;

	*zone_ret = true;
	for (s = text; s < end; s++) {
		/* Only a digit or the first letter of a month can begin one. */
		if (!*s || !strchr("0123456789JFMASOND", *s) ||
		    (s > text && s[-1] >= '0' && s[-1] <= '9'))
			continue;
		for (p = s; p < end && ((*p >= '0' && *p <= '9') || *p == '.'); p++)
			;
		if (p - s >= 10 && *s != '0' && nec_parse_double(s, (size_t)(p - s), ret) &&
		    *ret >= 1e9 && *ret < 1e10)
			return true;
		if (parse_iso(s, end, ret, zone_ret) || parse_date(s, end, ret))
			return true;
		*zone_ret = true;
	}
	return false;
}
