/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a series of figures over time does: nothing, grow on and on, grow in steps, or level off as
 * a cache does that fills up.
 *
 * Straight lines, lines with one bend, an exponential that saturates and one step are fitted by
 * least squares, over a grid where a parameter is not linear, and compared by the Bayesian
 * information criterion (G. Schwarz, Estimating the dimension of a model, Annals of Statistics 6,
 * 1978), so that a bend has to earn its parameter. Repeated steps are told by how few intervals
 * make most of the change. Errors of slopes are half-widths of the 95 % confidence interval.
 */
#ifndef NEC_COMPARE_FIT_H
#define NEC_COMPARE_FIT_H

#include <stdbool.h>
#include <stddef.h>

enum nec_shape {
	NEC_SHAPE_UNKNOWN,    /* one point */
	NEC_SHAPE_FLAT,       /* no change worth the name */
	NEC_SHAPE_VARIES,     /* up and down without a direction */
	NEC_SHAPE_LINEAR,     /* grows at one rate */
	NEC_SHAPE_STEPS,      /* grows in steps, again and again */
	NEC_SHAPE_SATURATING, /* grew, and levels off */
	NEC_SHAPE_STEP,       /* grew once, at once, and no more */
	NEC_SHAPE_FALLING,
	NEC_SHAPES,
};

extern const char *const nec_shape_names[NEC_SHAPES];

struct nec_fit {
	enum nec_shape shape;
	double slope;       /* per second, now: 0 where it levelled off */
	double error;       /* of slope, half of the 95 % interval; NaN: two points tell none */
	double time, value; /* a point of the line that slope belongs to: its centre */
	double value_error; /* of value */
	double level;       /* where it levels off; NaN: it does not */
};

/* count points in order of time (seconds). noise: changes up to that are none. */
void nec_fit_series(const double *times, const double *values, size_t count, double noise,
		    struct nec_fit *fit_ret);

/* Does the shape mean that it goes on growing? */
static inline bool nec_shape_grows(enum nec_shape shape)
{
	return shape == NEC_SHAPE_LINEAR || shape == NEC_SHAPE_STEPS;
}

/*
 * When the line reaches limit, seconds; false: it does not. earliest and latest: the range of it, if
 * the rate to come is within a tenth of the one that was seen; latest NaN: maybe never.
 */
bool nec_fit_reaches(const struct nec_fit *fit, double limit, double *at_ret, double *earliest_ret,
		     double *latest_ret);

#endif
