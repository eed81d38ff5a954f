import com.microsoft.sqlserver.jdbc.ISQLServerBulkData;
import com.microsoft.sqlserver.jdbc.SQLServerBulkCopy;
import com.microsoft.sqlserver.jdbc.SQLServerResultSet;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.Timer;
import java.util.TimerTask;
import java.util.TreeSet;

/** mssql-jdbc behind the line protocol of clients/piped.py. */
public final class JdbcClient {
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("uuuu-MM-dd");
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSSSSSS");
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSSSSSS");
    private static final DateTimeFormatter OFFSET = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSSSSSS xxx");
    private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    private final Map<String, PreparedStatement> prepared = new HashMap<>();
    private Connection connection;

    public static void main(String[] args) throws Exception {
        new JdbcClient().run();
    }

    private void run() throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null;) {
            String[] f = line.split("\t");
            for (int i = 1; i < f.length; i++) {
                f[i] = decode(f[i]);
            }
            try {
                handle(f);
            } catch (SQLException e) {
                put("error", String.valueOf(e.getErrorCode()), String.valueOf(e.getMessage()));
            }
            put("end");
            out.flush();
        }
    }

    private static String decode(String field) {
        if (field.equals("-")) {
            return null;
        }
        return field.equals("=") ? "" : new String(Base64.getDecoder().decode(field), StandardCharsets.UTF_8);
    }

    private void put(String word, String... fields) {
        StringBuilder line = new StringBuilder(word);
        for (String field : fields) {
            String text = field == null ? "-" : Base64.getEncoder().encodeToString(field.getBytes(StandardCharsets.UTF_8));
            line.append('\t').append(text.isEmpty() ? "=" : text);
        }
        out.println(line);
    }

    private void handle(String[] f) throws SQLException {
        switch (f[0]) {
            case "connect":
                connect(f[1], f[2], f[3], f[4], f[5]);
                break;
            case "query":
                query(f);
                break;
            case "begin":
                connection.setAutoCommit(false);
                break;
            case "commit":
                connection.commit();
                connection.setAutoCommit(true);
                break;
            case "rollback":
                connection.rollback();
                connection.setAutoCommit(true);
                break;
            case "cancel":
                cancel(f[1], Integer.parseInt(f[2]));
                break;
            case "drain":
                drain(f[1]);
                break;
            case "bulk":
                bulk(f);
                break;
            case "scroll":
                scroll(f[1]);
                break;
            default:
                connection.close();
                break;
        }
    }

    private void drain(String sql) throws SQLException {
        long count = 0;
        try (Statement statement = connection.createStatement(); ResultSet rs = statement.executeQuery(sql)) {
            int columns = rs.getMetaData().getColumnCount();
            for (; rs.next(); count++) {
                for (int i = 1; i <= columns; i++) {
                    rs.getObject(i);
                }
            }
        }
        put("set");
        put("row", String.valueOf(count));
    }

    private void bulk(String[] f) throws SQLException {
        try (SQLServerBulkCopy copy = new SQLServerBulkCopy(connection)) {
            copy.setDestinationTableName(f[1]);
            copy.writeToServer(new Triples(f));
        }
    }

    /** The rows of a `bulk` line. */
    private static final class Triples implements ISQLServerBulkData {
        private static final int[] TYPES = {Types.INTEGER, Types.NVARCHAR, Types.VARBINARY};
        private static final int[] LENGTHS = {10, 100, 50};
        private static final String[] NAMES = {"id", "t", "b"};
        private final String[] fields;
        private int at = -1;

        Triples(String[] fields) {
            this.fields = fields;
        }

        @Override
        public Set<Integer> getColumnOrdinals() {
            return new TreeSet<>(Set.of(1, 2, 3));
        }

        @Override
        public String getColumnName(int column) {
            return NAMES[column - 1];
        }

        @Override
        public int getColumnType(int column) {
            return TYPES[column - 1];
        }

        @Override
        public int getPrecision(int column) {
            return LENGTHS[column - 1];
        }

        @Override
        public int getScale(int column) {
            return 0;
        }

        @Override
        public Object[] getRowData() {
            String hex = fields[at + 2];
            return new Object[] {Integer.valueOf(fields[at]), fields[at + 1], hex == null ? null : HexFormat.of().parseHex(hex)};
        }

        @Override
        public boolean next() {
            at = at < 0 ? 2 : at + 3;
            return at < fields.length;
        }
    }

    private void scroll(String sql) throws SQLException {
        try (Statement statement = connection.createStatement(SQLServerResultSet.TYPE_SS_SERVER_CURSOR_FORWARD_ONLY,
            ResultSet.CONCUR_READ_ONLY)) {
            statement.setFetchSize(3);
            rows(statement.executeQuery(sql));
        }
        try (Statement statement = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
            statement.setFetchSize(3);
            ResultSet rs = statement.executeQuery(sql);
            put("set");
            for (boolean more = rs.last(); more; more = rs.previous()) {
                put("row", rs.getString(1), rs.getString(2));
            }
        }
    }

    private void connect(String port, String encrypt, String user, String password, String database) throws SQLException {
        String trust = "encrypt=" + encrypt.equals("full") + ";trustServerCertificate=true";
        if (encrypt.startsWith("verify:")) {
            trust = "encrypt=true;trustServerCertificate=false;hostNameInCertificate=localhost;trustStoreType=PKCS12;trustStorePassword=changeit"
                + ";trustStore=" + encrypt.substring("verify:".length());
        } else if (encrypt.equals("strict")) {
            trust = "encrypt=strict";
        }
        String url = "jdbc:sqlserver://127.0.0.1:" + port + ";" + trust + ";loginTimeout=10"
            + (database.isEmpty() ? "" : ";databaseName=" + database);
        connection = DriverManager.getConnection(url, user, password);
    }

    private void query(String[] f) throws SQLException {
        if (f.length == 3) {
            try (Statement statement = connection.createStatement()) {
                results(statement, statement.execute(f[1]));
            }
            return;
        }
        PreparedStatement statement = f[2].equals("1") ? prepared.get(f[1]) : null;
        if (statement == null) {
            statement = connection.prepareStatement(f[1]);
        }
        for (int i = 3; i < f.length; i += 2) {
            bind(statement, (i - 1) / 2, f[i], f[i + 1]);
        }
        results(statement, statement.execute());
        if (f[2].equals("1")) {
            prepared.put(f[1], statement);
        } else {
            statement.close();
        }
    }

    private static void bind(PreparedStatement s, int i, String type, String v) throws SQLException {
        switch (type) {
            case "int":
                s.setObject(i, v == null ? null : Integer.valueOf(v), Types.INTEGER);
                break;
            case "bigint":
                s.setObject(i, v == null ? null : Long.valueOf(v), Types.BIGINT);
                break;
            case "bit":
                s.setObject(i, v == null ? null : v.equals("1"), Types.BIT);
                break;
            case "float":
                s.setObject(i, v == null ? null : Double.valueOf(v), Types.DOUBLE);
                break;
            case "decimal":
                s.setBigDecimal(i, v == null ? null : new BigDecimal(v));
                break;
            case "varbinary":
                s.setBytes(i, v == null ? null : HexFormat.of().parseHex(v));
                break;
            case "date":
                s.setObject(i, v == null ? null : LocalDate.parse(v), Types.DATE);
                break;
            case "time":
                s.setObject(i, v == null ? null : LocalTime.parse(v), Types.TIME);
                break;
            case "datetime2":
                s.setObject(i, v == null ? null : LocalDateTime.parse(v.replace(' ', 'T')), Types.TIMESTAMP);
                break;
            case "guid":
                s.setObject(i, v, microsoft.sql.Types.GUID);
                break;
            default:
                s.setNString(i, v);
                break;
        }
    }

    private void results(Statement statement, boolean isSet) throws SQLException {
        boolean set = isSet;
        while (set || statement.getUpdateCount() != -1) {
            if (set) {
                rows(statement.getResultSet());
            }
            set = statement.getMoreResults();
        }
    }

    private void rows(ResultSet rs) throws SQLException {
        ResultSetMetaData meta = rs.getMetaData();
        put("set");
        while (rs.next()) {
            String[] values = new String[meta.getColumnCount()];
            for (int i = 0; i < values.length; i++) {
                values[i] = text(rs, i + 1, meta.getColumnType(i + 1));
            }
            put("row", values);
        }
    }

    private static String text(ResultSet rs, int i, int type) throws SQLException {
        Object v = rs.getObject(i);
        if (v == null) {
            return null;
        }
        switch (type) {
            case Types.DATE:
                return rs.getObject(i, LocalDate.class).format(DATE);
            case Types.TIME:
                return rs.getObject(i, LocalTime.class).format(TIME);
            case Types.TIMESTAMP:
                return rs.getObject(i, LocalDateTime.class).format(STAMP);
            case microsoft.sql.Types.DATETIMEOFFSET:
                return rs.getObject(i, OffsetDateTime.class).format(OFFSET);
            default:
                break;
        }
        if (v instanceof byte[]) {
            return HexFormat.of().withUpperCase().formatHex((byte[]) v);
        }
        if (v instanceof BigDecimal) {
            return ((BigDecimal) v).toPlainString();
        }
        if (v instanceof Boolean) {
            return (Boolean) v ? "1" : "0";
        }
        return v instanceof String ? (String) v : rs.getString(i);
    }

    private void cancel(String sql, int afterMs) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            Timer timer = new Timer(true);
            timer.schedule(new TimerTask() {
                @Override
                public void run() {
                    try {
                        statement.cancel();
                    } catch (SQLException e) {
                        System.err.println(e);
                    }
                }
            }, afterMs);
            try {
                results(statement, statement.execute(sql));
            } catch (SQLException e) {
                if (e.getErrorCode() != 0) {
                    throw e;
                }
            } finally {
                timer.cancel();
            }
        }
    }
}
