-- SPDX-License-Identifier: GPL-3.0-or-later
-- Classes with what their instances are and hold; the share is of all objects' bytes, in basis points.
SELECT id, addr, name, count, bytes, native, retained,
    CAST(round(10000.0 * (bytes + coalesce(native, 0))
        / (SELECT nullif(sum(bytes) + coalesce(sum(native), 0), 0) FROM type)) AS INTEGER) AS share
FROM type
WHERE count > 0
