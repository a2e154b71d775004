// gosnowflake: the cases as an ordinary program would write them; a line of JSON for each.
package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	sf "github.com/snowflakedb/gosnowflake"
)

type asked struct{ kind, name, text string }

var (
	settings = map[string]string{}
	cases    []asked
)

func main() {
	_ = sf.GetLogger().SetLogLevel("off")
	sf.GetLogger().SetOutput(io.Discard)
	for at := 1; at+1 < len(os.Args); at += 2 {
		option, value := strings.TrimPrefix(os.Args[at], "--"), os.Args[at+1]
		switch option {
		case "answer", "error", "steps":
			name, text, _ := strings.Cut(value, "=")
			cases = append(cases, asked{option, name, text})
		default:
			settings[option] = value
		}
	}
	for _, each := range cases {
		line := map[string]any{"case": each.name}
		if seen, err := run(each); err != nil {
			line["error"] = err.Error()
		} else {
			line["seen"] = seen
		}
		text, _ := json.Marshal(line)
		fmt.Println(string(text))
	}
}

func run(each asked) (any, error) {
	if each.kind == "steps" {
		steps, ok := map[string]func() (any, error){
			"server-binds":    serverBinds,
			"temporary-table": temporaryTable,
			"two-sessions":    twoSessions,
			"many-rows":       manyRows,
			"cancel":          cancelled,
			"time-limit":      timeLimit,
			"begin":           begin,
			"autocommit":      autocommit,
			"query-tag":       queryTag,
			"same-bytes":      func() (any, error) { return sameBytes(each.text) },
			"dry-run":         func() (any, error) { return typed(each.text) },
			"budget-types":    func() (any, error) { return typed(each.text) },
			"receipts":        func() (any, error) { return receipts(each.text) },
			"queue":           queued,
			"stopped":         stopped,
			"renewal":         renewed,
			"master-gone":     masterGone,
			"async":           asynchronous,
			"several":         several,
			"array-bind":      arrayBind,
			"prepared":        prepared,
			"access-token":    byToken,
			"key-pair":        byKey,
		}[each.name]
		if !ok {
			return nil, errors.New("this program has no code for it")
		}
		return steps()
	}
	return within(func(connection *sql.Conn) (any, error) {
		if each.kind == "answer" {
			return table(connection, each.text)
		}
		return failure(connection, each.text)
	})
}

// One session of its own, because a pool hands out any.
func connect(changes ...func(*sf.Config)) (*sql.DB, *sql.Conn, error) {
	port, err := strconv.Atoi(settings["port"])
	if err != nil {
		return nil, nil, err
	}
	config := sf.Config{
		Account:           settings["account"],
		Host:              settings["host"],
		Port:              port,
		Protocol:          settings["protocol"],
		User:              settings["user"],
		Password:          settings["password"],
		Database:          settings["database"],
		Schema:            settings["schema"],
		DisableOCSPChecks: true,
	}
	for _, change := range changes {
		change(&config)
	}
	db := sql.OpenDB(sf.NewConnector(sf.SnowflakeDriver{}, config))
	connection, err := db.Conn(context.Background())
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	return db, connection, nil
}

func within(use func(*sql.Conn) (any, error), changes ...func(*sf.Config)) (any, error) {
	db, connection, err := connect(changes...)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	defer connection.Close()
	return use(connection)
}

func within2(use func(first, second *sql.Conn) (any, error)) (any, error) {
	return within(func(first *sql.Conn) (any, error) {
		return within(func(second *sql.Conn) (any, error) { return use(first, second) })
	})
}

type rows = [][]any

// Rows of values with their types; a number of scale above 0 as the driver's column says it is.
func table(connection *sql.Conn, text string, binds ...any) (rows, error) {
	return tableWithin(context.Background(), connection, text, binds...)
}

func tableWithin(ctx context.Context, connection *sql.Conn, text string, binds ...any) (rows, error) {
	found, err := connection.QueryContext(ctx, text, binds...)
	if err != nil {
		return nil, err
	}
	return rest(found)
}

// The rows of the result that it stands at, and its end.
func rest(found *sql.Rows) (rows, error) {
	defer found.Close()
	return current(found)
}

func current(found *sql.Rows) (rows, error) {
	types, err := found.ColumnTypes()
	if err != nil {
		return nil, err
	}
	all := rows{}
	for found.Next() {
		values := make([]any, len(types))
		targets := make([]any, len(types))
		for at := range values {
			targets[at] = &values[at]
		}
		if err := found.Scan(targets...); err != nil {
			return nil, err
		}
		for at, value := range values {
			values[at] = shown(value, types[at])
		}
		all = append(all, values)
	}
	return all, found.Err()
}

func shown(value any, column *sql.ColumnType) any {
	switch known := value.(type) {
	case nil:
		return nil
	case []byte:
		return "bytes " + hex.EncodeToString(known)
	case time.Time:
		return "time.Time " + known.Format(time.RFC3339Nano)
	default:
		// The driver hands numbers and booleans over as text and names their type in the column.
		kind := fmt.Sprintf("%T", value)
		if column.ScanType() != nil {
			kind = column.ScanType().String()
		}
		if truth, err := strconv.ParseBool(fmt.Sprint(known)); kind == "bool" && err == nil {
			return fmt.Sprintf("bool %t", truth)
		}
		return fmt.Sprintf("%s %v", kind, known)
	}
}

func all(connection *sql.Conn, texts ...string) error {
	for _, text := range texts {
		if _, err := connection.ExecContext(context.Background(), text); err != nil {
			return err
		}
	}
	return nil
}

func failure(connection *sql.Conn, text string) (any, error) {
	before := requests()
	_, err := table(connection, text)
	sent := requests() - before
	found, err := snowflakeError(err)
	if err != nil {
		return nil, err
	}
	afterwards, err := table(connection, "SELECT 1")
	return map[string]any{
		"code":       fmt.Sprintf("%06d", found.Number),
		"sqlState":   found.SQLState,
		"message":    found.Message,
		"requests":   sent,
		"afterwards": afterwards,
	}, err
}

func snowflakeError(err error) (*sf.SnowflakeError, error) {
	if err == nil {
		return nil, errors.New("the statement did not fail")
	}
	var found *sf.SnowflakeError
	if errors.As(err, &found) {
		return found, nil
	}
	return nil, err
}

func serverBinds() (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		text := "SELECT COUNT(*), ?, ?, ?, ? FROM ORDERS WHERE O_ORDERKEY < ?"
		return table(connection, text, 7, "it's 100%", sql.NullString{}, true, 1000)
	})
}

func temporaryTable() (any, error) {
	return within2(func(connection, other *sql.Conn) (any, error) {
		err := all(connection, "CREATE TEMPORARY TABLE MINE (N INTEGER)", "INSERT INTO MINE VALUES (7), (8)")
		if err != nil {
			return nil, err
		}
		own, err := table(connection, "SELECT SUM(N) FROM MINE")
		if err != nil {
			return nil, err
		}
		_, err = table(other, "SELECT * FROM MINE")
		found, err := snowflakeError(err)
		if err != nil {
			return nil, err
		}
		return map[string]any{"own": own, "other": fmt.Sprintf("%06d", found.Number)}, nil
	})
}

func twoSessions() (any, error) {
	return within2(func(first, second *sql.Conn) (any, error) {
		if err := all(first, "USE WAREHOUSE INTERACTIVE_WH"); err != nil {
			return nil, err
		}
		if err := all(second, "USE WAREHOUSE BATCH_WH"); err != nil {
			return nil, err
		}
		seen := make([][]rows, 2)
		failures := make([]error, 2)
		var group sync.WaitGroup
		for at, connection := range []*sql.Conn{first, second} {
			group.Add(1)
			go func() {
				defer group.Done()
				for turn := 0; turn < 5 && failures[at] == nil; turn++ {
					var found rows
					found, failures[at] = table(connection, fmt.Sprintf("SELECT CURRENT_WAREHOUSE(), %d", turn))
					seen[at] = append(seen[at], found)
				}
			}()
		}
		group.Wait()
		return seen, errors.Join(failures...)
	})
}

func manyRows() (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		text := "SELECT SEQ4() AS N, 'row number ' || SEQ4() AS T FROM TABLE(GENERATOR(ROWCOUNT => 200000))"
		found, err := connection.QueryContext(context.Background(), text)
		if err != nil {
			return nil, err
		}
		defer found.Close()
		var count, sum, number int64
		var name string
		for found.Next() {
			if err := found.Scan(&number, &name); err != nil {
				return nil, err
			}
			count, sum = count+1, sum+number
		}
		return map[string]any{"count": count, "sum": sum}, found.Err()
	})
}

// Ends a context while the statement runs; the driver then aborts the request and reports the context's end.
func ended(ctx context.Context, connection *sql.Conn, want error) (any, error) {
	started := time.Now()
	_, err := tableWithin(ctx, connection, "CALL SYSTEM$WAIT(60)")
	code := "the statement ran to its end"
	var found *sf.SnowflakeError
	if errors.As(err, &found) {
		code = fmt.Sprintf("%06d", found.Number)
	} else if errors.Is(err, want) {
		code = "the context ended"
	} else if err != nil {
		return nil, err
	}
	isPrompt := time.Since(started) < 30*time.Second
	afterwards, err := table(connection, "SELECT 1")
	return map[string]any{"code": code, "isPrompt": isPrompt, "afterwards": afterwards}, err
}

func cancelled() (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(2*time.Second, cancel)
		return ended(ctx, connection, context.Canceled)
	})
}

func timeLimit() (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		return ended(ctx, connection, context.DeadlineExceeded)
	})
}

const countKept = "SELECT COUNT(*) FROM KEPT"

func begin() (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		if err := all(connection, "CREATE TEMPORARY TABLE KEPT (N INTEGER)"); err != nil {
			return nil, err
		}
		seen := []rows{}
		for _, end := range []func(*sql.Tx) error{(*sql.Tx).Rollback, (*sql.Tx).Commit} {
			transaction, err := connection.BeginTx(context.Background(), nil)
			if err != nil {
				return nil, err
			}
			if _, err := transaction.Exec("INSERT INTO KEPT VALUES (1)"); err != nil {
				return nil, err
			}
			if err := end(transaction); err != nil {
				return nil, err
			}
			count, err := table(connection, countKept)
			if err != nil {
				return nil, err
			}
			seen = append(seen, count)
		}
		return seen, nil
	})
}

func autocommit() (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		err := all(connection, "CREATE TEMPORARY TABLE KEPT (N INTEGER)", "ALTER SESSION SET AUTOCOMMIT = FALSE")
		if err != nil {
			return nil, err
		}
		seen := []rows{}
		for _, end := range []string{"ROLLBACK", "COMMIT"} {
			if err := all(connection, "INSERT INTO KEPT VALUES (1)", end); err != nil {
				return nil, err
			}
			count, err := table(connection, countKept)
			if err != nil {
				return nil, err
			}
			seen = append(seen, count)
		}
		return seen, nil
	})
}

func queryTag() (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		seen := map[string]any{}
		current := func(when string) error {
			found, err := table(connection, "SHOW PARAMETERS LIKE 'QUERY_TAG' IN SESSION")
			if err == nil {
				_, seen[when], _ = strings.Cut(fmt.Sprint(found[0][1]), " ")
			}
			return err
		}
		return seen, errors.Join(
			current("before"),
			all(connection, "ALTER SESSION SET QUERY_TAG = 'a model'", "SELECT COUNT(*) FROM NATION WHERE N_NAME IS NOT NULL"),
			current("during"),
			all(connection, fmt.Sprintf("ALTER SESSION SET QUERY_TAG = '%s'", seen["before"])),
			current("restored"),
			all(connection, "ALTER SESSION UNSET QUERY_TAG"),
			current("unset"),
		)
	})
}
