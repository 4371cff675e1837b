-- SPDX-License-Identifier: GPL-3.0-or-later
-- Containers that are the same and have another length.
SELECT id, addr, class, coalesce(path, printf('%s at 0x%x', class, addr)) AS path, length_a, length_b, change, added
FROM container
