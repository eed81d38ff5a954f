--: what names that topics, schemas and Avro do not allow, and the ways to adjust them
-- Without a closing bracket: this release of Debezium does not quote one, and its snapshot fails.
--: variant raw
--: variant avro schema.name.adjustment.mode=avro field.name.adjustment.mode=avro
--: variant unicode schema.name.adjustment.mode=avro_unicode field.name.adjustment.mode=avro_unicode
--: variant delimiter topic.delimiter=_ topic.transaction=tx provide.transaction.metadata=true
--: variant short topic.naming.strategy=io.debezium.schema.DefaultTopicNamingStrategy
--: variant filtered "table.include.list=DBO.Case.*,dbo.zz_marker"

CREATE SCHEMA [s ('1)];
CREATE TABLE [s ('1)].[UAT WAG CZ$Fixed Asset ('1)] (id INT NOT NULL PRIMARY KEY, [my col$a] INT, [1st] VARCHAR(5), [ünïcode] INT, [with.dot] INT, [with-dash] INT, [under_score] INT);
CREATE TABLE dbo.CaseMatters (Id INT NOT NULL PRIMARY KEY, [Name] VARCHAR(10));
CREATE TABLE dbo.[9 lives] ([9] INT NOT NULL PRIMARY KEY, [č] VARCHAR(10));
--: capture dbo.CaseMatters
EXEC sys.sp_cdc_enable_table @source_schema = N's (''1)', @source_name = N'UAT WAG CZ$Fixed Asset (''1)', @role_name = NULL, @capture_instance = N'odd';
EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'9 lives', @role_name = NULL, @capture_instance = N'lives';
INSERT INTO [s ('1)].[UAT WAG CZ$Fixed Asset ('1)] VALUES (1, 2, 'x', 3, 4, 5, 6);
INSERT INTO dbo.CaseMatters VALUES (1, 'a');
INSERT INTO dbo.[9 lives] VALUES (1, 'č');

--: stream
--: transaction
INSERT INTO [s ('1)].[UAT WAG CZ$Fixed Asset ('1)] VALUES (2, NULL, NULL, NULL, NULL, NULL, NULL);
UPDATE dbo.CaseMatters SET Name = 'b';
DELETE FROM dbo.[9 lives];
