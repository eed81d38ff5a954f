-- The source database of the pipeline: five tables under change data capture. Safe to run again.
IF NOT EXISTS (SELECT name FROM sys.databases WHERE name = 'warehouse_source') CREATE DATABASE warehouse_source
GO
USE warehouse_source
GO
IF NOT EXISTS (SELECT 1 FROM sys.databases WHERE name = 'warehouse_source' AND is_cdc_enabled = 1) EXEC sys.sp_cdc_enable_db
GO
IF NOT EXISTS (SELECT * FROM sys.tables WHERE name = 'customers' AND schema_id = SCHEMA_ID('dbo'))
BEGIN
    CREATE TABLE dbo.customers (
        id INT PRIMARY KEY IDENTITY(1,1),
        name NVARCHAR(100) NOT NULL,
        email NVARCHAR(100),
        created_at DATETIME2 DEFAULT GETDATE(),
        updated_at DATETIME2
    );
END
GO
IF NOT EXISTS (SELECT * FROM sys.tables WHERE name = 'orders' AND schema_id = SCHEMA_ID('dbo'))
BEGIN
    CREATE TABLE dbo.orders (
        id INT PRIMARY KEY IDENTITY(1,1),
        customer_id INT NOT NULL,
        order_date DATETIME2 DEFAULT GETDATE(),
        total_amount DECIMAL(10,2) NOT NULL,
        status NVARCHAR(50),
        FOREIGN KEY (customer_id) REFERENCES dbo.customers(id)
    );
END
GO
IF NOT EXISTS (SELECT * FROM sys.tables WHERE name = 'line_items' AND schema_id = SCHEMA_ID('dbo'))
BEGIN
    CREATE TABLE dbo.line_items (
        id INT PRIMARY KEY IDENTITY(1,1),
        order_id INT NOT NULL,
        product_name NVARCHAR(200) NOT NULL,
        quantity INT NOT NULL,
        unit_price DECIMAL(10,2) NOT NULL,
        FOREIGN KEY (order_id) REFERENCES dbo.orders(id)
    );
END
GO
IF NOT EXISTS (SELECT * FROM sys.tables WHERE name = 'schema_test' AND schema_id = SCHEMA_ID('dbo'))
BEGIN
    CREATE TABLE dbo.schema_test (
        id INT PRIMARY KEY IDENTITY(1,1),
        name NVARCHAR(100) NOT NULL,
        created_at DATETIME2 DEFAULT GETDATE()
    );
END
GO
IF NOT EXISTS (SELECT * FROM sys.tables WHERE name = 'test_customers' AND schema_id = SCHEMA_ID('dbo'))
BEGIN
    CREATE TABLE dbo.test_customers (
        id INT PRIMARY KEY IDENTITY(1,1),
        name NVARCHAR(100) NOT NULL,
        email NVARCHAR(100),
        created_at DATETIME2 DEFAULT GETDATE(),
        updated_at DATETIME2
    );
END
GO
IF NOT EXISTS (SELECT 1 FROM sys.tables t JOIN cdc.change_tables ct ON t.object_id = ct.source_object_id WHERE t.name = 'customers' AND SCHEMA_NAME(t.schema_id) = 'dbo')
BEGIN
    EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'customers', @role_name = NULL, @supports_net_changes = 1
END
GO
IF NOT EXISTS (SELECT 1 FROM sys.tables t JOIN cdc.change_tables ct ON t.object_id = ct.source_object_id WHERE t.name = 'orders' AND SCHEMA_NAME(t.schema_id) = 'dbo')
BEGIN
    EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'orders', @role_name = NULL, @supports_net_changes = 1
END
GO
IF NOT EXISTS (SELECT 1 FROM sys.tables t JOIN cdc.change_tables ct ON t.object_id = ct.source_object_id WHERE t.name = 'line_items' AND SCHEMA_NAME(t.schema_id) = 'dbo')
BEGIN
    EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'line_items', @role_name = NULL, @supports_net_changes = 1
END
GO
IF NOT EXISTS (SELECT 1 FROM sys.tables t JOIN cdc.change_tables ct ON t.object_id = ct.source_object_id WHERE t.name = 'schema_test' AND SCHEMA_NAME(t.schema_id) = 'dbo')
BEGIN
    EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'schema_test', @role_name = NULL, @supports_net_changes = 1
END
GO
IF NOT EXISTS (SELECT 1 FROM sys.tables t JOIN cdc.change_tables ct ON t.object_id = ct.source_object_id WHERE t.name = 'test_customers' AND SCHEMA_NAME(t.schema_id) = 'dbo')
BEGIN
    EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'test_customers', @role_name = NULL, @supports_net_changes = 1
END
GO
