--: what a table that changes its columns gets a second capture instance; a table is added; an instance is dropped
--: variant told
--: variant untold include.schema.changes=false provide.transaction.metadata=true

CREATE TABLE dbo.grows (id INT NOT NULL PRIMARY KEY, name VARCHAR(10));
CREATE TABLE dbo.stays (id INT NOT NULL PRIMARY KEY);
--: capture dbo.grows
--: capture dbo.stays
INSERT INTO dbo.grows VALUES (1, 'one');

--: stream
INSERT INTO dbo.grows VALUES (2, 'two');
--: settle
ALTER TABLE dbo.grows ADD more DECIMAL(6,2) NOT NULL DEFAULT 1.25;
INSERT INTO dbo.grows VALUES (3, 'three', 3);
--: settle
--: capture dbo.grows as grows_2
INSERT INTO dbo.grows VALUES (4, 'four', 4);
UPDATE dbo.grows SET more = 10 WHERE id = 1;
--: settle
CREATE TABLE dbo.arrives (id INT NOT NULL PRIMARY KEY, v NVARCHAR(5));
--: capture dbo.arrives
INSERT INTO dbo.arrives VALUES (1, N'new');
--: settle
EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'grows', @capture_instance = N'dbo_grows';
INSERT INTO dbo.grows VALUES (5, 'five', 5);
