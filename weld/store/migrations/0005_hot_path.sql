-- Ingest for a province: idle time waits in the chip's state and is added to the machine's day a quarter of an hour at a time; the
-- fold is saved only when more than its high-water mark has changed, so coverage is written as [boot, seq, gaps, older boots].
-- Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

ALTER TABLE weld.chip_state
    ADD COLUMN idle_quarter  integer NOT NULL DEFAULT 0, -- which quarter of an hour since 1970 the next two belong to
    ADD COLUMN idle_ms       bigint NOT NULL DEFAULT 0, -- covered time without current and without a session
    ADD COLUMN idle_messages integer NOT NULL DEFAULT 0,
    ADD COLUMN clock_ms      integer;                    -- how far the chip's clock is behind ours (weld/core/offset.py)

UPDATE weld.chip_state SET fold = (fold - 'latest') || jsonb_build_object('progress', jsonb_build_array(boot, seq,
    coalesce(fold #> '{progress,tracks,-1,gaps}', '[]'),
    coalesce((SELECT jsonb_agg(jsonb_build_array(t -> 'boot', t -> 'top', t -> 'gaps'))
        FROM jsonb_array_elements((fold #> '{progress,tracks}') - -1) AS t), '[]')))
WHERE fold ? 'progress';
