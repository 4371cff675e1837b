-- Classes with __del__, their own or inherited, of which no root reaches instances.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT name, count(*) AS count
FROM (
#include "garbage_with_del.sql"
)
GROUP BY class
ORDER BY count(*) DESC, name
