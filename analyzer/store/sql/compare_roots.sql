-- Objects that roots refer to, each once a kind.
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT DISTINCT addr, kind FROM root WHERE addr IS NOT NULL
