-- SPDX-License-Identifier: GPL-3.0-or-later
-- Types of which something changed.
SELECT id, name, count_b, coalesce(count_b, 0) - coalesce(count_a, 0) AS count, bytes_b,
    coalesce(bytes_b, 0) - coalesce(bytes_a, 0) AS bytes, added, gone, path
FROM class
WHERE coalesce(count_a, 0) <> coalesce(count_b, 0) OR coalesce(bytes_a, 0) <> coalesce(bytes_b, 0) OR added OR gone OR grown
