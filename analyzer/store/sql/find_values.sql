-- Objects whose value contains :text, by address; '' is in every one.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT addr, type, value AS matched, value
FROM (
#include "view_find.sql"
)
ORDER BY addr
