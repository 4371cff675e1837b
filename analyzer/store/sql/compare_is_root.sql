-- Is :addr a root of :kind?
-- SPDX-License-Identifier: GPL-3.0-or-later
SELECT 1 FROM root WHERE addr = :addr AND kind = :kind LIMIT 1
