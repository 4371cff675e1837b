-- Containers that are the same and have another length.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, addr, class, coalesce(path, '') AS path, length_a, length_b, length_b - length_a AS length, size_a, size_b, change,
    added, first
FROM container
