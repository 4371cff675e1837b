-- SPDX-License-Identifier: GPL-3.0-or-later
-- Classes of a module or of a package with its modules, :module.
SELECT id, addr, name, count, bytes, native, retained,
    CAST(round(10000.0 * (bytes + coalesce(native, 0))
        / (SELECT nullif(sum(bytes) + coalesce(sum(native), 0), 0) FROM type)) AS INTEGER) AS share
FROM type
WHERE count > 0
    AND (coalesce(module, '?') = :module OR module LIKE :module || '.%')
