-- What was odd about the threads, deadlocks too.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT message FROM warning WHERE stage = 'threads' ORDER BY id
