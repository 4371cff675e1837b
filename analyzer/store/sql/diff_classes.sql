-- Classes of which something changed.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT id, name, count_a, count_b, coalesce(count_b, 0) - coalesce(count_a, 0) AS count, bytes_a, bytes_b,
    coalesce(bytes_b, 0) - coalesce(bytes_a, 0) AS bytes, added, added_bytes, gone, gone_bytes, grown, grown_bytes,
    holder, path
FROM class
WHERE coalesce(count_a, 0) <> coalesce(count_b, 0) OR coalesce(bytes_a, 0) <> coalesce(bytes_b, 0) OR added OR gone OR grown
