-- Imports of workers with certificates: files that people bring, row by row, and what became of each chunk of them.
-- Runs as weld_owner.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120s';

-- `scope` is that of whoever brought it, and everything of it is done with those eyes. `read_chunks` and `entered_chunks` say
-- where to go on after a crash: each is raised in the transaction that did the chunk.
CREATE TABLE weld.import (
    id             uuid PRIMARY KEY,
    actor          text NOT NULL,
    scope          text NOT NULL CHECK (scope ~ '^(platform|division:[0-9/]+|enterprise:[0-9a-f-]{36})$'),
    format         text NOT NULL CHECK (format IN ('csv', 'xlsx')),
    encoding       text NOT NULL DEFAULT 'utf-8-sig' CHECK (encoding IN ('utf-8-sig', 'gb18030')),
    state          text NOT NULL DEFAULT 'receiving'
                   CHECK (state IN ('receiving', 'uploaded', 'previewed', 'running', 'done', 'stopped')),
    bytes          bigint NOT NULL DEFAULT 0,
    parts          integer NOT NULL DEFAULT 0,
    heading        text[],
    read_chunks    integer NOT NULL DEFAULT 0,
    rows_read      integer NOT NULL DEFAULT 0,
    entered_chunks integer NOT NULL DEFAULT 0,
    rows_entered   integer NOT NULL DEFAULT 0,
    why_zh         text,                     -- why it was stopped; no cell of the file
    why_en         text,
    created_at     timestamptz NOT NULL,
    stepped_at     timestamptz NOT NULL,     -- the last chunk: imports take turns by it
    ended_at       timestamptz,
    CHECK ((state IN ('done', 'stopped')) = (ended_at IS NOT NULL))
);
CREATE INDEX import_waiting ON weld.import (stepped_at) WHERE state IN ('uploaded', 'running');

-- The file as it came, in pieces, sealed; gone as soon as all rows are read.
CREATE TABLE weld.import_part (
    import uuid NOT NULL REFERENCES weld.import ON DELETE CASCADE,
    number integer NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (import, number)
);

-- Rows as they were read, sealed; after they were entered only those that were wrong. The faults repeat no cell. The counts are
-- those of the preview, and after the rows were entered those of what was done.
CREATE TABLE weld.import_chunk (
    import    uuid NOT NULL REFERENCES weld.import ON DELETE CASCADE,
    number    integer NOT NULL,
    rows      integer NOT NULL,
    sealed    bytea,
    faults    jsonb NOT NULL,
    created   integer NOT NULL,
    updated   integer NOT NULL,
    unchanged integer NOT NULL,
    bad       integer NOT NULL,
    PRIMARY KEY (import, number)
);

-- What is sealed does not compress.
ALTER TABLE weld.import_part ALTER sealed SET STORAGE EXTERNAL;
ALTER TABLE weld.import_chunk ALTER sealed SET STORAGE EXTERNAL;

-- Only whoever has the very scope of an import, or the platform's, sees it: it holds rows that may lie outside of every other.
ALTER TABLE weld.import ENABLE ROW LEVEL SECURITY;
CREATE POLICY people ON weld.import TO weld_api
    USING ((SELECT current_setting('weld.scope', true)) IN ('platform', scope));
ALTER TABLE weld.import_part ENABLE ROW LEVEL SECURITY;
CREATE POLICY people ON weld.import_part TO weld_api
    USING (EXISTS (SELECT 1 FROM weld.import i WHERE i.id = import_part.import));
ALTER TABLE weld.import_chunk ENABLE ROW LEVEL SECURITY;
CREATE POLICY people ON weld.import_chunk TO weld_api
    USING (EXISTS (SELECT 1 FROM weld.import i WHERE i.id = import_chunk.import));

GRANT SELECT, INSERT, UPDATE ON weld.import, weld.import_chunk TO weld_api;
GRANT SELECT, INSERT, DELETE ON weld.import_part TO weld_api;
