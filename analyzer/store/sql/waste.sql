-- Equal values of immutable types, those that take the most first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT type, count, bytes, value
FROM (
#include "view_waste.sql"
)
ORDER BY bytes DESC, value
