// gosnowflake: waiting, stopping, renewing, and statements that are more than one request.
package main

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	sf "github.com/snowflakedb/gosnowflake"
)

// What the run knows, and what it does for a program.
func control(what string) (string, error) {
	answer, err := http.Get(settings["control"] + "/" + what)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = errors.New(string(text))
	}
	return string(text), err
}

// How many statements this program has sent.
func requests() int {
	text, err := control("requests")
	if err != nil {
		panic(err)
	}
	count, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return count
}

func columnsOf(types []*sql.ColumnType) []any {
	seen := []any{}
	for _, column := range types {
		precision, scale, _ := column.DecimalSize()
		length, _ := column.Length()
		nullable, _ := column.Nullable()
		seen = append(seen, map[string]any{
			"name": column.Name(), "type": column.DatabaseTypeName(), "scan": fmt.Sprint(column.ScanType()),
			"precision": precision, "scale": scale, "length": length, "nullable": nullable,
		})
	}
	return seen
}

func sameBytes(texts string) (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		seen := []any{}
		for _, text := range strings.Split(texts, ";;") {
			found, err := connection.QueryContext(context.Background(), text)
			if err != nil {
				return nil, err
			}
			types, err := found.ColumnTypes()
			if err != nil {
				return nil, err
			}
			all, err := rest(found)
			if err != nil {
				return nil, err
			}
			bytes, err := json.Marshal(all)
			if err != nil {
				return nil, err
			}
			seen = append(seen, map[string]any{
				"columns": columnsOf(types), "rows": len(all), "hash": fmt.Sprintf("%x", sha256.Sum256(bytes)),
			})
		}
		return seen, nil
	})
}

func typed(text string) (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		return describedRows(context.Background(), connection, text)
	})
}

func describedRows(ctx context.Context, connection *sql.Conn, text string) (map[string]any, error) {
	found, err := connection.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	types, err := found.ColumnTypes()
	if err != nil {
		return nil, err
	}
	all, err := rest(found)
	return map[string]any{"columns": columnsOf(types), "rows": all}, err
}

// The receipt of a statement that has just run; described first, as tools do that bind later.
func receipts(text string) (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		if err := all(connection, "SELECT COUNT(*) FROM NATION WHERE N_NAME IS NOT NULL"); err != nil {
			return nil, err
		}
		seen, err := describedRows(sf.WithDescribeOnly(context.Background()), connection, text)
		if err != nil {
			return nil, err
		}
		until := time.Now().Add(5 * time.Second)
		for {
			found, err := table(connection, text, "SETTLED")
			if err != nil || len(found) > 0 || time.Now().After(until) {
				seen["rows"] = found
				return seen, err
			}
		}
	})
}

func queued() (any, error) {
	return within2(func(first, second *sql.Conn) (any, error) {
		for _, each := range []*sql.Conn{first, second} {
			if err := all(each, "USE WAREHOUSE NARROW_WH"); err != nil {
				return nil, err
			}
		}
		before := requests()
		long := make(chan error, 1)
		go func() { long <- all(first, "SELECT SYSTEM$WAIT(4)") }()
		time.Sleep(time.Second)
		started := time.Now()
		found, err := table(second, "SELECT COUNT(*) FROM REGION")
		waited := time.Since(started) > 1500*time.Millisecond
		err = errors.Join(err, <-long)
		return map[string]any{"rows": found, "waited": waited, "requests": requests() - before}, err
	})
}

func stopped() (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		if err := all(connection, "USE WAREHOUSE CHEAP_WH"); err != nil {
			return nil, err
		}
		return failure(connection, "SELECT SYSTEM$WAIT(60)")
	})
}

func expire(connection *sql.Conn, more string) error {
	var session string
	if err := connection.QueryRowContext(context.Background(), "SELECT CURRENT_SESSION()").Scan(&session); err != nil {
		return err
	}
	_, err := control("expire?session=" + session + more)
	return err
}

func renewed() (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		if err := expire(connection, ""); err != nil {
			return nil, err
		}
		before := requests()
		found, err := table(connection, "SELECT 1")
		return map[string]any{"rows": found, "requests": requests() - before}, err
	})
}

// Its own ids are new each time.
var ids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

func masterGone() (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		if err := expire(connection, "&master=1"); err != nil {
			return nil, err
		}
		started := time.Now()
		message := "it ran"
		if _, err := table(connection, "SELECT 1"); err != nil {
			message = ids.ReplaceAllString(err.Error(), "<id>")
		}
		return map[string]any{"message": message, "isPrompt": time.Since(started) < 20*time.Second}, nil
	})
}

func asynchronous() (any, error) {
	return within2(func(connection, other *sql.Conn) (any, error) {
		known := make(chan string, 1)
		ctx := sf.WithQueryIDChan(sf.WithAsyncMode(context.Background()), known)
		submitted, err := connection.QueryContext(ctx, "SELECT SYSTEM$WAIT(4)")
		if err != nil {
			return nil, err
		}
		defer submitted.Close()
		id := <-known
		seen := map[string]any{}
		look := func(name string, each *sql.Conn) error {
			seen[name], err = status(each, id)
			return err
		}
		if err := errors.Join(look("before", connection), look("beforeElsewhere", other)); err != nil {
			return nil, err
		}
		if seen["rows"], err = rest(submitted); err != nil {
			return nil, err
		}
		if err := errors.Join(look("after", connection), look("afterElsewhere", other)); err != nil {
			return nil, err
		}
		seen["rowsElsewhere"], err = tableWithin(sf.WithFetchResultByID(context.Background(), id), other, "")
		return seen, err
	})
}

// The driver tells that a statement still runs by an error.
func status(connection *sql.Conn, id string) (found string, err error) {
	err = connection.Raw(func(raw any) error {
		known, err := raw.(sf.SnowflakeConnection).GetQueryStatus(context.Background(), id)
		var told *sf.SnowflakeError
		if errors.As(err, &told) {
			found = fmt.Sprint(told.Number)
			return nil
		}
		if err == nil {
			found = fmt.Sprintf("%s, %d bytes", known.SQLText, known.ScanBytes)
		}
		return err
	})
	return found, err
}

func several() (any, error) {
	text := "CREATE TEMPORARY TABLE SEV (N INTEGER); INSERT INTO SEV VALUES (1), (2);" +
		" SELECT SUM(N) AS S FROM SEV; SELECT 'last' AS L"
	return within(func(connection *sql.Conn) (any, error) {
		ctx, err := sf.WithMultiStatement(context.Background(), 4)
		if err != nil {
			return nil, err
		}
		found, err := connection.QueryContext(ctx, text)
		if err != nil {
			return nil, err
		}
		defer found.Close()
		seen := []rows{}
		for {
			each, err := current(found)
			if err != nil {
				return nil, err
			}
			seen = append(seen, each)
			if !found.NextResultSet() {
				return seen, found.Err()
			}
		}
	})
}

func arrayBind() (any, error) {
	numbers, names := make([]int, 3000), make([]string, 3000)
	for number := range numbers {
		numbers[number], names[number] = number, fmt.Sprintf("row %d", number)
	}
	threshold := "100"
	return within(func(connection *sql.Conn) (any, error) {
		if err := all(connection, "CREATE TEMPORARY TABLE BOUND (N INTEGER, T VARCHAR)"); err != nil {
			return nil, err
		}
		text := "INSERT INTO BOUND VALUES (?, ?)"
		if _, err := connection.ExecContext(context.Background(), text, sf.Array(&numbers), sf.Array(&names)); err != nil {
			return nil, err
		}
		return table(connection, "SELECT COUNT(*), SUM(N), MAX(IFF(N = 2999, T, NULL)) FROM BOUND")
	}, func(config *sf.Config) {
		config.Params = map[string]*string{"CLIENT_STAGE_ARRAY_BINDING_THRESHOLD": &threshold}
	})
}

func prepared() (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		ctx := sf.WithDescribeOnly(context.Background())
		described, err := connection.QueryContext(ctx, "SELECT N_NAME, N_NATIONKEY FROM NATION")
		if err != nil {
			return nil, err
		}
		defer described.Close()
		types, err := described.ColumnTypes()
		if err != nil {
			return nil, err
		}
		columns := columnsOf(types)
		statement, err := connection.PrepareContext(context.Background(), "SELECT COUNT(*) FROM NATION WHERE N_NATIONKEY < ?")
		if err != nil {
			return nil, err
		}
		defer statement.Close()
		runs := []rows{}
		for _, limit := range []int{7, 8} {
			found, err := statement.QueryContext(context.Background(), limit)
			if err != nil {
				return nil, err
			}
			counted, err := rest(found)
			if err != nil {
				return nil, err
			}
			runs = append(runs, counted)
		}
		return map[string]any{"columns": columns, "runs": runs}, nil
	})
}

func who(change func(*sf.Config)) (any, error) {
	return within(func(connection *sql.Conn) (any, error) {
		return table(connection, "SELECT CURRENT_USER(), CURRENT_DATABASE()")
	}, change)
}

func byToken() (any, error) {
	return who(func(config *sf.Config) {
		config.Authenticator, config.Token, config.Password = sf.AuthTypePat, settings["token"], ""
	})
}

func byKey() (any, error) {
	text, err := os.ReadFile(settings["key-file"])
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the key file is no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is no RSA key")
	}
	return who(func(config *sf.Config) {
		config.Authenticator, config.PrivateKey, config.Password = sf.AuthTypeJwt, private, ""
	})
}
