--: what columns that are computed, counted, of types without a converter
--: variant plain
--: variant parameters column.propagate.source.type=.*

CREATE TABLE dbo.kinds (id BIGINT IDENTITY(1,1) NOT NULL PRIMARY KEY, a INT NOT NULL, b AS a * 2, c AS (a + 1) PERSISTED, p VARCHAR(20) NOT NULL, q DECIMAL(9,2) DEFAULT 1.5, v ROWVERSION, w SQL_VARIANT, x NUMERIC(5) NOT NULL DEFAULT 3);
CREATE TABLE dbo.counted (id NUMERIC(10,0) IDENTITY(5,1) NOT NULL PRIMARY KEY, small SMALLINT NULL);
CREATE TABLE dbo.tiny (id TINYINT IDENTITY(1,1) NOT NULL PRIMARY KEY, small SMALLINT NULL);
--: capture dbo.kinds
--: capture dbo.counted
--: capture dbo.tiny
INSERT INTO dbo.kinds (a, p, q, w) VALUES (1, '123', 4.5, 17), (2, '', NULL, NULL);
INSERT INTO dbo.counted (small) VALUES (1);
INSERT INTO dbo.tiny (small) VALUES (1);

--: stream
INSERT INTO dbo.kinds (a, p) VALUES (3, '456');
UPDATE dbo.kinds SET a = 10 WHERE id = 1;
INSERT INTO dbo.counted (small) VALUES (NULL);
DELETE FROM dbo.tiny;
