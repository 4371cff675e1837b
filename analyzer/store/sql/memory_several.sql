-- Native memory that several objects lead to and that is charged to none of them, the largest first.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT addr, bytes FROM part WHERE owner IS NULL ORDER BY bytes DESC, addr
