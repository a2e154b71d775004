import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
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
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import net.snowflake.client.internal.jdbc.SnowflakeTimestampWithTimezone;

/** snowflake-jdbc: the cases as an ordinary program would write them; a line of JSON for each. */
public final class Driver {
  private static final Map<String, String> SETTINGS = new LinkedHashMap<>();
  private static final String COUNT = "SELECT COUNT(*) FROM KEPT";

  private record Asked(String kind, String name, String text) {}

  /** Something that a case does with a connection. */
  private interface Use {
    Object with(Connection connection) throws Exception;
  }

  public static void main(String[] args) {
    List<Asked> cases = new ArrayList<>();
    for (int at = 0; at + 1 < args.length; at += 2) {
      String option = args[at].substring(2);
      String[] parts = args[at + 1].split("=", 2);
      switch (option) {
        case "answer", "error", "steps" -> cases.add(new Asked(option, parts[0], parts.length == 2 ? parts[1] : ""));
        default -> SETTINGS.put(option, args[at + 1]);
      }
    }
    for (Asked each : cases) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("case", each.name());
      try {
        line.put("seen", run(each));
      } catch (Exception found) {
        // A case that breaks is a finding about the driver, not the end of the others.
        line.put("error", found.toString());
      }
      System.out.println(json(line));
    }
    System.exit(0);
  }

  private static Object run(Asked each) throws Exception {
    return switch (each.kind()) {
      case "answer" -> within(connection -> table(connection, each.text()));
      case "error" -> within(connection -> failure(connection, each.text()));
      default -> steps(each.name(), each.text());
    };
  }

  private static Object steps(String name, String text) throws Exception {
    return switch (name) {
      case "server-binds" -> within(Driver::serverBinds);
      case "temporary-table" -> within(first -> within(second -> temporaryTable(first, second)));
      case "two-sessions" -> within(first -> within(second -> twoSessions(first, second)));
      case "many-rows" -> within(Driver::manyRows);
      case "files" -> within(Driver::files);
      case "cancel" -> within(Driver::cancelled);
      case "time-limit" -> within(Driver::timeLimit);
      case "begin" -> within(Driver::begin);
      case "autocommit" -> within(Driver::autocommit);
      case "query-tag" -> within(Driver::queryTag);
      case "same-bytes" -> within(connection -> Later.sameBytes(connection, text));
      case "dry-run", "budget-types" -> within(connection -> Later.typed(connection, text));
      case "receipts" -> within(connection -> Later.receipts(connection, text));
      case "queue" -> within(first -> within(second -> Later.queued(first, second)));
      case "stopped" -> within(Later::stopped);
      case "renewal" -> within(Later::renewed);
      case "master-gone" -> within(Later::masterGone);
      case "async" -> within(first -> within(second -> Later.asynchronous(first, second)));
      case "several" -> within(Later::several);
      case "array-bind" -> within(Later::arrayBind);
      case "prepared" -> within(Later::prepared);
      case "access-token" -> within(Later::who, Later::byToken);
      case "key-pair" -> within(Later::who, Later::byKey);
      default -> throw new IllegalArgumentException("this program has no code for it");
    };
  }

  static String setting(String name) {
    return SETTINGS.get(name);
  }

  private static Object within(Use use) throws Exception {
    return within(use, properties -> {});
  }

  private static Object within(Use use, Consumer<Properties> change) throws Exception {
    Properties properties = new Properties();
    properties.put("user", SETTINGS.get("user"));
    properties.put("password", SETTINGS.get("password"));
    properties.put("account", SETTINGS.get("account"));
    properties.put("db", SETTINGS.get("database"));
    properties.put("schema", SETTINGS.get("schema"));
    properties.put("ssl", SETTINGS.get("protocol").equals("http") ? "off" : "on");
    properties.put("tracing", "OFF");
    properties.put("disablePlatformDetection", "true");
    change.accept(properties);
    String url = "jdbc:snowflake://" + SETTINGS.get("host") + ":" + SETTINGS.get("port") + "/";
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      return use.with(connection);
    }
  }

  static List<List<Object>> table(Connection connection, String text) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet found = statement.executeQuery(text)) {
      return all(found);
    }
  }

  static List<List<Object>> all(ResultSet found) throws SQLException {
    ResultSetMetaData columns = found.getMetaData();
    List<List<Object>> rows = new ArrayList<>();
    while (found.next()) {
      List<Object> row = new ArrayList<>();
      for (int at = 1; at <= columns.getColumnCount(); at += 1) {
        boolean isBinary = columns.getColumnType(at) == Types.BINARY;
        row.add(shown(isBinary ? found.getBytes(at) : found.getObject(at)));
      }
      rows.add(row);
    }
    return rows;
  }

  static String shown(Object value) {
    if (value == null) return null;
    if (value instanceof byte[] bytes) return "bytes " + HexFormat.of().formatHex(bytes);
    // Its own text leaves the offset out.
    Object text = value instanceof SnowflakeTimestampWithTimezone zoned ? zoned.toZonedDateTime() : value;
    return value.getClass().getSimpleName() + " " + text;
  }

  static void execute(Connection connection, String... texts) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      for (String text : texts) statement.execute(text);
    }
  }

  static Object failure(Connection connection, String text) throws SQLException {
    long before = Later.requests();
    try {
      table(connection, text);
    } catch (SQLException found) {
      Map<String, Object> seen = new LinkedHashMap<>();
      seen.put("requests", Later.requests() - before);
      seen.put("code", code(found));
      seen.put("sqlState", found.getSQLState());
      seen.put("message", found.getMessage());
      seen.put("afterwards", table(connection, "SELECT 1"));
      return seen;
    }
    throw new IllegalStateException("the statement did not fail");
  }

  private static String code(SQLException found) {
    return String.format("%06d", found.getErrorCode());
  }

  private static Object serverBinds(Connection connection) throws SQLException {
    String text = "SELECT COUNT(*), ?, ?, ?, ? FROM ORDERS WHERE O_ORDERKEY < ?";
    try (PreparedStatement statement = connection.prepareStatement(text)) {
      statement.setInt(1, 7);
      statement.setString(2, "it's 100%");
      statement.setNull(3, Types.VARCHAR);
      statement.setBoolean(4, true);
      statement.setInt(5, 1000);
      try (ResultSet found = statement.executeQuery()) {
        return all(found);
      }
    }
  }

  private static Object temporaryTable(Connection connection, Connection other) throws SQLException {
    execute(connection, "CREATE TEMPORARY TABLE MINE (N INTEGER)", "INSERT INTO MINE VALUES (7), (8)");
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("own", table(connection, "SELECT SUM(N) FROM MINE"));
    try {
      table(other, "SELECT * FROM MINE");
    } catch (SQLException found) {
      seen.put("other", code(found));
    }
    return seen;
  }

  private static Object twoSessions(Connection first, Connection second) throws Exception {
    execute(first, "USE WAREHOUSE INTERACTIVE_WH");
    execute(second, "USE WAREHOUSE BATCH_WH");
    ExecutorService pool = Executors.newFixedThreadPool(2);
    List<Future<Object>> asked = new ArrayList<>();
    for (Connection connection : List.of(first, second)) {
      Callable<Object> turns = () -> {
        List<Object> answers = new ArrayList<>();
        for (int turn = 0; turn < 5; turn += 1) {
          answers.add(table(connection, "SELECT CURRENT_WAREHOUSE(), " + turn));
        }
        return answers;
      };
      asked.add(pool.submit(turns));
    }
    List<Object> seen = new ArrayList<>();
    for (Future<Object> each : asked) seen.add(each.get(60, TimeUnit.SECONDS));
    pool.shutdown();
    return seen;
  }

  private static Object manyRows(Connection connection) throws SQLException {
    String text = "SELECT SEQ4() AS N, 'row number ' || SEQ4() AS T FROM TABLE(GENERATOR(ROWCOUNT => 200000))";
    long count = 0;
    long sum = 0;
    try (Statement statement = connection.createStatement(); ResultSet found = statement.executeQuery(text)) {
      while (found.next()) {
        count += 1;
        sum += found.getLong(1);
      }
    }
    return Map.of("count", count, "sum", sum);
  }

  private static Object files(Connection connection) throws Exception {
    StringBuilder lines = new StringBuilder();
    for (int number = 1; number <= 1000; number += 1) {
      lines.append(number).append(",line ").append(number).append('\n');
    }
    Path folder = Files.createTempDirectory("files-");
    Path file = folder.resolve("lines.csv");
    try {
      Files.writeString(file, lines);
      execute(
          connection,
          "CREATE TEMPORARY TABLE LINES (N INTEGER, T VARCHAR)",
          "PUT file://" + file + " @%LINES/in");
      Files.delete(file);
      execute(connection, "COPY INTO LINES FROM @%LINES/in");
      Map<String, Object> seen = new LinkedHashMap<>();
      seen.put("loaded", table(connection, "SELECT COUNT(*), SUM(N) FROM LINES"));
      execute(
          connection,
          "COPY INTO @%LINES/out/lines.csv FROM LINES FILE_FORMAT = (COMPRESSION = NONE) SINGLE = TRUE",
          "GET @%LINES/out file://" + folder);
      seen.put("isSame", Files.readString(file).contentEquals(lines));
      return seen;
    } finally {
      Files.deleteIfExists(file);
      Files.delete(folder);
    }
  }

  private static Object cancelled(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      Thread canceller = new Thread(() -> {
        try {
          Thread.sleep(2000);
          statement.cancel();
        } catch (InterruptedException | SQLException found) {
          System.err.println(found);
        }
      });
      canceller.start();
      return ended(connection, statement);
    }
  }

  private static Object timeLimit(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(2);
      return ended(connection, statement);
    }
  }

  private static Object ended(Connection connection, Statement statement) throws SQLException {
    long startedAt = System.nanoTime();
    Map<String, Object> seen = new LinkedHashMap<>();
    try {
      statement.execute("CALL SYSTEM$WAIT(60)");
      seen.put("code", "it ran to its end");
    } catch (SQLException found) {
      seen.put("code", code(found));
    }
    seen.put("isPrompt", System.nanoTime() - startedAt < 30_000_000_000L);
    seen.put("afterwards", table(connection, "SELECT 1"));
    return seen;
  }

  private static Object begin(Connection connection) throws SQLException {
    execute(connection, "CREATE TEMPORARY TABLE KEPT (N INTEGER)");
    List<Object> seen = new ArrayList<>();
    for (String end : List.of("ROLLBACK", "COMMIT")) {
      execute(connection, "BEGIN", "INSERT INTO KEPT VALUES (1)", end);
      seen.add(table(connection, COUNT));
    }
    return seen;
  }

  private static Object autocommit(Connection connection) throws SQLException {
    execute(connection, "CREATE TEMPORARY TABLE KEPT (N INTEGER)");
    connection.setAutoCommit(false);
    List<Object> seen = new ArrayList<>();
    for (boolean isKept : new boolean[] {false, true}) {
      execute(connection, "INSERT INTO KEPT VALUES (1)");
      if (isKept) connection.commit();
      else connection.rollback();
      seen.add(table(connection, COUNT));
    }
    return seen;
  }

  private static Object queryTag(Connection connection) throws SQLException {
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("before", tag(connection));
    execute(connection, "ALTER SESSION SET QUERY_TAG = 'a model'");
    execute(connection, "SELECT COUNT(*) FROM NATION WHERE N_NAME IS NOT NULL");
    seen.put("during", tag(connection));
    execute(connection, "ALTER SESSION SET QUERY_TAG = '" + seen.get("before") + "'");
    seen.put("restored", tag(connection));
    execute(connection, "ALTER SESSION UNSET QUERY_TAG");
    seen.put("unset", tag(connection));
    return seen;
  }

  private static String tag(Connection connection) throws SQLException {
    String text = "SHOW PARAMETERS LIKE 'QUERY_TAG' IN SESSION";
    try (Statement statement = connection.createStatement(); ResultSet found = statement.executeQuery(text)) {
      return found.next() ? found.getString("value") : "no such row";
    }
  }

  static String json(Object value) {
    if (value == null) return "null";
    if (value instanceof Boolean || value instanceof Long) return value.toString();
    if (value instanceof List<?> list) {
      return "[" + String.join(",", list.stream().map(Driver::json).toList()) + "]";
    }
    if (value instanceof Map<?, ?> map) {
      List<String> members = new ArrayList<>();
      map.forEach((key, member) -> members.add(json(key) + ":" + json(member)));
      return "{" + String.join(",", members) + "}";
    }
    StringBuilder text = new StringBuilder("\"");
    for (char each : value.toString().toCharArray()) {
      // Other than ASCII is escaped, so that no default character set has a say.
      if (each == '"' || each == '\\') text.append('\\').append(each);
      else if (each < ' ' || each > '~') text.append(String.format("\\u%04x", (int) each));
      else text.append(each);
    }
    return text.append('"').toString();
  }
}
