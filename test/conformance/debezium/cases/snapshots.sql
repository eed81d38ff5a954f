--: what markers, order and extent of snapshots
--: until snapshot
--: variant all
--: variant only snapshot.mode=initial_only
--: variant last table.include.list=dbo.a_two,dbo.b_none
--: variant ordered table.include.list=dbo.c_one,dbo.d.*,dbo.a_two
--: variant single table.include.list=dbo.c_one
--: variant quiet include.schema.changes=false table.exclude.list=dbo.zz_marker,dbo.d_ignored
--: variant listed "snapshot.include.collection.list=snapshots.dbo.c_one,snapshots.dbo.a_two"
--: variant chosen "snapshot.select.statement.overrides=dbo.a_two" "snapshot.select.statement.overrides.dbo.a_two=SELECT * FROM dbo.a_two WHERE id > 1" table.include.list=dbo.a_two
--: variant isolated snapshot.isolation.mode=snapshot

ALTER DATABASE snapshots SET ALLOW_SNAPSHOT_ISOLATION ON;
CREATE TABLE dbo.a_two (id INT NOT NULL PRIMARY KEY, v VARCHAR(5));
CREATE TABLE dbo.b_none (id INT NOT NULL PRIMARY KEY);
CREATE TABLE dbo.c_one (id INT NOT NULL PRIMARY KEY, v VARCHAR(5));
CREATE TABLE dbo.d_ignored (id INT NOT NULL PRIMARY KEY);
CREATE TABLE dbo.e_uncaptured (id INT NOT NULL PRIMARY KEY);
--: capture dbo.a_two
--: capture dbo.b_none
--: capture dbo.c_one
--: capture dbo.d_ignored
INSERT INTO dbo.a_two VALUES (2, 'b'), (1, 'a'), (3, 'c');
INSERT INTO dbo.c_one VALUES (1, NULL);
INSERT INTO dbo.d_ignored VALUES (1);
INSERT INTO dbo.e_uncaptured VALUES (1);
