-- Where the memory of the process went, by area, the largest first: the short form of the partition.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT coalesce(area, category) AS area, sum(bytes) AS bytes, sum(count) AS count
FROM memory
GROUP BY coalesce(area, category)
ORDER BY bytes DESC, coalesce(area, category)
