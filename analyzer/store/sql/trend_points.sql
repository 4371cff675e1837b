-- The points of the series :series.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT time, value
FROM point
WHERE series = :series
ORDER BY time
