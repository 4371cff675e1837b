-- What no root reaches, by type, the most bytes first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT type, count, bytes
FROM (
#include "view_garbage.sql"
)
ORDER BY bytes DESC, type
