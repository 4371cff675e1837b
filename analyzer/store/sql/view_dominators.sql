-- SPDX-License-Identifier: GPL-3.0-or-later
-- The objects that hold the most and that no other object alone keeps alive.
SELECT addr, what, retained, size, value, share, leaf
FROM (
#include "holders.sql"
)
WHERE idom IS NULL AND distance > 0
