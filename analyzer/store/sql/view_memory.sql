-- SPDX-License-Identifier: GPL-3.0-or-later
-- The partition of the process's memory, with each part's share in basis points.
SELECT category, bytes, count,
    CAST(round(10000.0 * bytes / (SELECT nullif(sum(bytes), 0) FROM memory)) AS INTEGER) AS share
FROM memory
