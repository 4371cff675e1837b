-- The memory that is limited, its limit and when it is reached.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT series, bytes, at
FROM forecast
