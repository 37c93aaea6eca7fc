-- :figures_machines
-- Machines in scope: all, with a chip, online, arcing (in the words of weld.core.look).
SELECT count(*), count(chip), count(*) FILTER (WHERE online), count(*) FILTER (WHERE facts = ANY(%(arcing)s)) FROM machine_now

-- :figures_workers
-- Workers in scope: all, with a certificate that is good today, and those of them whose last day is near. The last day is the end,
-- the years that the law sets, or the day of the re-examination, whichever comes first (weld.core.certificate).
WITH rules AS (
    SELECT * FROM unnest(%(kinds)s::text[], %(valid_years)s::int[], %(review_years)s::int[]) AS r (kind, valid_years, review_years)
), best AS (
    SELECT c.worker, max(least(c.valid_to, (c.valid_from + make_interval(years => r.valid_years))::date,
        coalesce(c.review_due, (c.valid_from + make_interval(years => r.review_years))::date))) AS last_day
    FROM certificate c JOIN rules r ON r.kind = c.kind
    WHERE c.status = 'verified' AND c.valid_from <= %(today)s AND c.valid_to >= %(today)s GROUP BY c.worker
)
SELECT count(*), count(*) FILTER (WHERE b.last_day >= %(today)s), count(*) FILTER (WHERE b.last_day BETWEEN %(today)s AND %(near)s)
FROM worker w LEFT JOIN best b ON b.worker = w.id

-- :figures_sessions
-- Sessions that are open now, and of those opened today how long the contact was closed and how much of that is known.
SELECT (SELECT count(*) FROM session WHERE state = 'open'),
    coalesce(sum(least(covered_ms, contact_ms)), 0)::bigint, coalesce(sum(contact_ms), 0)::bigint
FROM session WHERE opened_at >= %(today)s AND opened_at < %(tomorrow)s

-- :figures_starts
-- Starts by the hour of their day: sessions that were opened under a permission, today and on the same day a week ago.
SELECT extract(hour FROM opened_at AT TIME ZONE %(zone)s)::int, count(*) FILTER (WHERE opened_at >= %(today)s),
    count(*) FILTER (WHERE opened_at < %(today)s)
FROM session
WHERE grant_id IS NOT NULL AND ((opened_at >= %(today)s AND opened_at < %(tomorrow)s)
    OR (opened_at >= %(week_ago)s AND opened_at < %(week_ago)s + interval '1 day'))
GROUP BY 1

-- :figures_starts_between
-- Starts in a span.
SELECT count(*) FROM session WHERE grant_id IS NOT NULL AND opened_at >= %(since)s AND opened_at < %(until)s

-- :figures_refusals
-- Starts that were refused, by their first reason: today, and yesterday up to the same time of day.
SELECT reasons[1], count(*) FILTER (WHERE at >= %(today)s), count(*) FILTER (WHERE at < %(today)s)
FROM refusal WHERE (at >= %(today)s AND at < %(tomorrow)s) OR (at >= %(yesterday)s AND at < %(same_time)s) GROUP BY 1

-- :figures_alerts
-- Alerts that nobody has closed, by level; those of them that wait for a signature (findings of the past wait for none).
SELECT level, count(*), count(*) FILTER (WHERE state = 'open' AND NOT historical) FROM alert
WHERE state IN ('open', 'acknowledged') GROUP BY level
