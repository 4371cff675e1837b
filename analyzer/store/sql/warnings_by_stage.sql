-- How many warnings each part of the program had, and the first of them.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT coalesce(stage, '') AS stage, count(*) AS warnings, min(id) AS id, message
FROM warning
GROUP BY 1
ORDER BY 3
