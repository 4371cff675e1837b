-- How many objects got which verdict on their identity.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT name, count, confidence
FROM verdict
