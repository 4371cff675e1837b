-- References of the object at :addr but for the one to its type: its fields or items.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT *
FROM (
#include "referents.sql"
)
WHERE kind <> 'type'
