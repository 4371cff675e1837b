-- SPDX-License-Identifier: GPL-3.0-or-later
-- Figures over time, with the change since the one before and the share of the highest.
SELECT s.id AS id, strftime('%Y-%m-%d %H:%M:%S', s.time, 'unixepoch') AS at, s.name AS what, s.pid AS pid,
    s.value AS value, s.unit AS unit,
    CASE s.unit WHEN 'bytes' THEN s.value - (SELECT b.value FROM sample b
        WHERE b.name = s.name AND b.pid IS s.pid AND b.time < s.time ORDER BY b.time DESC LIMIT 1) END AS change,
    CAST(round(10000.0 * s.value / m.most) AS INTEGER) AS share
FROM sample s
JOIN (SELECT name, nullif(max(value), 0) AS most FROM sample GROUP BY name) m ON m.name = s.name
