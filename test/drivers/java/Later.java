import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import net.snowflake.client.api.connection.SnowflakeConnection;
import net.snowflake.client.api.resultset.SnowflakeResultSet;
import net.snowflake.client.api.statement.SnowflakeStatement;

/** snowflake-jdbc: waiting, stopping, renewing, and statements that are more than one request. */
final class Later {
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private Later() {}

  /** What the run knows, and what it does for a program. */
  static String control(String what) {
    HttpRequest request = HttpRequest.newBuilder(URI.create(Driver.setting("control") + "/" + what)).build();
    try {
      HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
      if (answer.statusCode() != 200) throw new IllegalStateException(answer.body());
      return answer.body();
    } catch (IOException | InterruptedException found) {
      throw new IllegalStateException(found);
    }
  }

  /** How many statements this program has sent. */
  static long requests() {
    return Long.parseLong(control("requests"));
  }

  private static List<Object> columns(ResultSetMetaData found) throws SQLException {
    List<Object> seen = new ArrayList<>();
    for (int at = 1; at <= found.getColumnCount(); at += 1) {
      Map<String, Object> column = new LinkedHashMap<>();
      column.put("name", found.getColumnName(at));
      column.put("type", found.getColumnTypeName(at) + " " + found.getColumnType(at));
      column.put("precision", (long) found.getPrecision(at));
      column.put("scale", (long) found.getScale(at));
      column.put("nullable", (long) found.isNullable(at));
      column.put("size", (long) found.getColumnDisplaySize(at));
      seen.add(column);
    }
    return seen;
  }

  static Object sameBytes(Connection connection, String texts) throws Exception {
    List<Object> seen = new ArrayList<>();
    for (String text : texts.split(";;")) {
      try (Statement statement = connection.createStatement(); ResultSet found = statement.executeQuery(text)) {
        Map<String, Object> query = new LinkedHashMap<>();
        query.put("columns", columns(found.getMetaData()));
        List<List<Object>> rows = Driver.all(found);
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(Driver.json(rows).getBytes());
        query.put("rows", (long) rows.size());
        query.put("hash", HexFormat.of().formatHex(hash));
        seen.add(query);
      }
    }
    return seen;
  }

  static Object typed(Connection connection, String text) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet found = statement.executeQuery(text)) {
      Map<String, Object> seen = new LinkedHashMap<>();
      seen.put("columns", columns(found.getMetaData()));
      seen.put("rows", byType(found));
      return seen;
    }
  }

  /** Each value by the getter that a program would take for its type. */
  private static List<Object> byType(ResultSet found) throws SQLException {
    ResultSetMetaData columns = found.getMetaData();
    List<Object> rows = new ArrayList<>();
    while (found.next()) {
      List<Object> row = new ArrayList<>();
      for (int at = 1; at <= columns.getColumnCount(); at += 1) {
        row.add(Driver.shown(switch (columns.getColumnType(at)) {
          case Types.DECIMAL, Types.NUMERIC, Types.BIGINT -> found.getBigDecimal(at);
          case Types.BOOLEAN -> found.getBoolean(at);
          case Types.VARCHAR -> found.getString(at);
          default -> found.getTimestamp(at);
        }));
      }
      rows.add(row);
    }
    return rows;
  }

  /** The receipt of a statement that has just run; described first, as tools do that bind later. */
  static Object receipts(Connection connection, String text) throws SQLException {
    Driver.execute(connection, "SELECT COUNT(*) FROM NATION WHERE N_NAME IS NOT NULL");
    Map<String, Object> seen = new LinkedHashMap<>();
    try (PreparedStatement statement = connection.prepareStatement(text)) {
      seen.put("columns", columns(statement.getMetaData()));
      seen.put("binds", (long) statement.getParameterMetaData().getParameterCount());
      statement.setString(1, "SETTLED");
      long until = System.nanoTime() + 5_000_000_000L;
      List<Object> rows;
      do {
        try (ResultSet found = statement.executeQuery()) {
          rows = byType(found);
        }
      } while (rows.isEmpty() && System.nanoTime() < until);
      seen.put("rows", rows);
    }
    return seen;
  }

  static Object queued(Connection first, Connection second) throws Exception {
    Driver.execute(first, "USE WAREHOUSE NARROW_WH");
    Driver.execute(second, "USE WAREHOUSE NARROW_WH");
    long before = requests();
    CompletableFuture<Object> running = CompletableFuture.supplyAsync(() -> {
      try {
        return Driver.table(first, "SELECT SYSTEM$WAIT(4)");
      } catch (SQLException found) {
        throw new IllegalStateException(found);
      }
    });
    Thread.sleep(1000);
    long startedAt = System.nanoTime();
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("rows", Driver.table(second, "SELECT COUNT(*) FROM REGION"));
    seen.put("waited", System.nanoTime() - startedAt > 1_500_000_000L);
    running.get(60, TimeUnit.SECONDS);
    seen.put("requests", requests() - before);
    return seen;
  }

  static Object stopped(Connection connection) throws SQLException {
    Driver.execute(connection, "USE WAREHOUSE CHEAP_WH");
    return Driver.failure(connection, "SELECT SYSTEM$WAIT(60)");
  }

  private static void expire(Connection connection, String more) throws SQLException {
    control("expire?session=" + connection.unwrap(SnowflakeConnection.class).getSessionID() + more);
  }

  static Object renewed(Connection connection) throws SQLException {
    expire(connection, "");
    long before = requests();
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("rows", Driver.table(connection, "SELECT 1"));
    seen.put("requests", requests() - before);
    return seen;
  }

  static Object masterGone(Connection connection) throws SQLException {
    expire(connection, "&master=1");
    long startedAt = System.nanoTime();
    Map<String, Object> seen = new LinkedHashMap<>();
    try {
      Driver.table(connection, "SELECT 1");
      seen.put("message", "it ran");
    } catch (SQLException found) {
      // Its own ids are new each time.
      String text = found.getMessage().replaceAll("[0-9a-f]{8}-[0-9a-f-]{27}", "<id>");
      seen.put("message", found.getErrorCode() + " " + found.getSQLState() + " " + text);
    }
    seen.put("isPrompt", System.nanoTime() - startedAt < 20_000_000_000L);
    return seen;
  }

  static Object asynchronous(Connection connection, Connection other) throws Exception {
    try (Statement statement = connection.createStatement()) {
      ResultSet submitted = statement.unwrap(SnowflakeStatement.class).executeAsyncQuery("SELECT SYSTEM$WAIT(4)");
      String id = submitted.unwrap(SnowflakeResultSet.class).getQueryID();
      Map<String, Object> seen = new LinkedHashMap<>();
      seen.put("before", status(connection, id));
      seen.put("beforeElsewhere", status(other, id));
      while (status(connection, id).equals("RUNNING")) Thread.sleep(200);
      seen.put("after", status(connection, id));
      seen.put("afterElsewhere", status(other, id));
      seen.put("rows", Driver.all(submitted));
      seen.put("rowsElsewhere", Driver.all(other.unwrap(SnowflakeConnection.class).createResultSet(id)));
      return seen;
    }
  }

  private static String status(Connection connection, String id) throws SQLException {
    return connection.unwrap(SnowflakeConnection.class).getQueryStatus(id).getStatus().name();
  }

  static Object several(Connection connection) throws SQLException {
    String text = "CREATE TEMPORARY TABLE SEV (N INTEGER); INSERT INTO SEV VALUES (1), (2);"
        + " SELECT SUM(N) AS S FROM SEV; SELECT 'last' AS L";
    try (Statement statement = connection.createStatement()) {
      statement.unwrap(SnowflakeStatement.class).setParameter("MULTI_STATEMENT_COUNT", 4);
      List<Object> seen = new ArrayList<>();
      statement.execute(text);
      do {
        // What only counts rows has none, whatever execute says of it.
        ResultSet found = statement.getResultSet();
        seen.add(found == null ? List.of(List.of("int " + statement.getUpdateCount())) : Driver.all(found));
      } while (statement.getMoreResults() || statement.getUpdateCount() != -1);
      return seen;
    }
  }

  static Object arrayBind(Connection connection) throws SQLException {
    Driver.execute(connection,
        "ALTER SESSION SET CLIENT_STAGE_ARRAY_BINDING_THRESHOLD = 100",
        "CREATE TEMPORARY TABLE BOUND (N INTEGER, T VARCHAR)");
    try (PreparedStatement statement = connection.prepareStatement("INSERT INTO BOUND VALUES (?, ?)")) {
      for (int number = 0; number < 3000; number += 1) {
        statement.setInt(1, number);
        statement.setString(2, "row " + number);
        statement.addBatch();
      }
      statement.executeBatch();
    }
    return Driver.table(connection, "SELECT COUNT(*), SUM(N), MAX(IFF(N = 2999, T, NULL)) FROM BOUND");
  }

  static Object prepared(Connection connection) throws SQLException {
    Map<String, Object> seen = new LinkedHashMap<>();
    try (PreparedStatement described = connection.prepareStatement("SELECT N_NAME, N_NATIONKEY FROM NATION")) {
      seen.put("columns", columns(described.getMetaData()));
    }
    List<Object> runs = new ArrayList<>();
    String count = "SELECT COUNT(*) FROM NATION WHERE N_NATIONKEY < ?";
    try (PreparedStatement statement = connection.prepareStatement(count)) {
      for (int limit : new int[] {7, 8}) {
        statement.setInt(1, limit);
        try (ResultSet found = statement.executeQuery()) {
          runs.add(Driver.all(found));
        }
      }
    }
    seen.put("runs", runs);
    return seen;
  }

  static Object who(Connection connection) throws SQLException {
    return Driver.table(connection, "SELECT CURRENT_USER(), CURRENT_DATABASE()");
  }

  static void byToken(Properties properties) {
    properties.remove("password");
    properties.put("authenticator", "PROGRAMMATIC_ACCESS_TOKEN");
    properties.put("token", Driver.setting("token"));
  }

  static void byKey(Properties properties) {
    properties.remove("password");
    properties.put("authenticator", "SNOWFLAKE_JWT");
    properties.put("private_key_file", Driver.setting("key-file"));
  }
}
