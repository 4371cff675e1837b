-- SPDX-License-Identifier: GPL-3.0-or-later
-- What an object, :addr, alone keeps alive, of the objects that hold the most.
SELECT addr, what, retained, size, value, share, leaf
FROM (
#include "holders.sql"
)
WHERE idom = :addr
