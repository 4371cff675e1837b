-- Sums of a difference, one row.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT sum(count_a) AS count_a, sum(count_b) AS count_b, sum(bytes_a) AS bytes_a, sum(bytes_b) AS bytes_b, sum(added) AS added,
    sum(added_bytes) AS added_bytes, sum(gone) AS gone, sum(gone_bytes) AS gone_bytes, sum(grown) AS grown,
    sum(grown_bytes) AS grown_bytes
FROM class
