-- Containers that grew, for a series.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT addr, class, coalesce(path, '') AS path
FROM container
WHERE length_b > length_a
ORDER BY id
